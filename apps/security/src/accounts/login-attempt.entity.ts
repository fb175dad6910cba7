import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Attempts to log in under one name, whether or not such an account exists. */
@Entity({ name: 'login_attempt' })
export class LoginAttempt {
  /** SHA-256 of the compared form of the name: what strangers type need not be kept. */
  @PrimaryColumn({ name: 'name_hash', type: 'bytea', primaryKeyConstraintName: 'login_attempt_pkey' })
  nameHash!: Buffer;

  @Column({ type: 'integer' })
  attempts!: number;

  @Column({ name: 'window_ends_at', type: 'timestamptz' })
  windowEndsAt!: Date;
}
