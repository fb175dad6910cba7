import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** An event this service could not apply, or a later one of its key: kept by position, so that nothing is passed over in silence. */
@Entity('parked_event')
@Index('parked_event_key', ['consumer', 'tenant', 'context', 'shard', 'key'])
export class ParkedEventRow {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'parked_event_pk' }) consumer!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'parked_event_pk' }) tenant!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'parked_event_pk' }) context!: string;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'parked_event_pk' }) shard!: number;
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'parked_event_pk' }) position!: string;
  @Column('text') key!: string;
  @Column('text', { name: 'event_id' }) eventId!: string;
  @Column('text') type!: string;
  @Column('text') code!: string;
  @Column('text') reason!: string;
  @Column('timestamptz', { name: 'parked_at', default: () => 'now()' }) parkedAt!: Date;
}
