import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Where this service stands in a log; written by the projection runner in the transaction that holds the effect. */
@Entity('consumer_checkpoint')
export class ConsumerCheckpoint {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'consumer_checkpoint_pk' }) consumer!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'consumer_checkpoint_pk' }) tenant!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'consumer_checkpoint_pk' }) context!: string;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'consumer_checkpoint_pk' }) shard!: number;
  @Column('bigint') epoch!: string;
  @Column('bigint') position!: string;
  /** 32 bytes: the leaf at the position, compared with the log before going on. */
  @Column('bytea') leaf!: Buffer;
  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' }) updatedAt!: Date;
}
