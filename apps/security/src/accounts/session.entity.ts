import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** A login that holds. The token itself is never stored; `id` names the session in audit events. */
@Entity({ name: 'session' })
@Index('session_by_account', ['accountId'])
export class Session {
  /** SHA-256 of the token. */
  @PrimaryColumn({ name: 'token_hash', type: 'bytea', primaryKeyConstraintName: 'session_pkey' })
  tokenHash!: Buffer;

  @Column({ type: 'uuid' })
  id!: string;

  @Column({ name: 'account_id', type: 'uuid' })
  accountId!: string;

  @Column({ name: 'opened_at', type: 'timestamptz' })
  openedAt!: Date;

  @Column({ name: 'used_at', type: 'timestamptz' })
  usedAt!: Date;

  /** Ends here, however much it is used. */
  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt!: Date;
}
