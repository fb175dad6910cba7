import { Column, Entity, PrimaryColumn, Unique } from 'typeorm';

/** Someone of the shop's staff who may log in. Its id is the `actor` of audit events; the name stays in this table. */
@Entity({ name: 'account' })
@Unique('account_name_key_unique', ['nameKey'])
export class Account {
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'account_pkey' })
  id!: string;

  /** As its owner writes it. */
  @Column({ type: 'text' })
  name!: string;

  /** Form in which names are compared: NFKC, lower case. */
  @Column({ name: 'name_key', type: 'text' })
  nameKey!: string;

  /** PHC string, argon2id. */
  @Column({ name: 'password_hash', type: 'text' })
  passwordHash!: string;

  @Column({ name: 'made_at', type: 'timestamptz' })
  madeAt!: Date;
}
