import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Where this service stands in a log: written in the transaction that holds the effect of the events up to it. */
@Entity('checkpoint')
export class Checkpoint {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'pk_checkpoint' }) tenant!: string;
  /** `<context>/<shard>` */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'pk_checkpoint' }) log!: string;
  @Column('bigint') epoch!: string;
  @Column('bigint') position!: string;
  /** 32 bytes: the leaf at the position, compared with the log before going on. */
  @Column('bytea') leaf!: Buffer;
  @Column('timestamptz', { name: 'moved_at', default: () => 'now()' }) movedAt!: Date;
}
