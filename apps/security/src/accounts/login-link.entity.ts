import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A one-time invitation to make an account, or to choose a new password for one. The token itself is never stored. */
@Entity({ name: 'login_link' })
export class LoginLink {
  /** SHA-256 of the token. */
  @PrimaryColumn({ name: 'token_hash', type: 'bytea', primaryKeyConstraintName: 'login_link_pkey' })
  tokenHash!: Buffer;

  @Column({ name: 'made_at', type: 'timestamptz' })
  madeAt!: Date;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt!: Date;

  @Column({ name: 'redeemed_at', type: 'timestamptz', nullable: true })
  redeemedAt!: Date | null;

  /** Whose password it replaces; null where it makes an account. */
  @Column({ name: 'account_id', type: 'uuid', nullable: true })
  accountId!: string | null;
}
