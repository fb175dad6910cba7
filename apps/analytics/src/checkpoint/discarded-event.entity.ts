import { Column, Entity, PrimaryColumn } from 'typeorm';

/** An event that an operator took out of a projection for good: no build applies it. The fact of it is in the backbone's log. */
@Entity('discarded_event')
export class DiscardedEvent {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'discarded_event_pk' }) projection!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'discarded_event_pk' }) tenant!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'discarded_event_pk' }) context!: string;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'discarded_event_pk' }) shard!: number;
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'discarded_event_pk' }) position!: string;
  @Column('text', { name: 'event_id' }) eventId!: string;
  @Column('text') reason!: string;
  @Column('timestamptz', { name: 'discarded_at', default: () => 'now()' }) discardedAt!: Date;
}
