import { Column, Entity, PrimaryColumn } from 'typeorm';

/** An event this service could not apply, and every later one of its key: kept by position, so that nothing is passed over in silence. */
@Entity('parked_event')
export class ParkedEvent {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'pk_parked_event' }) tenant!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'pk_parked_event' }) log!: string;
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'pk_parked_event' }) position!: string;
  @Column('text', { name: 'event_id' }) eventId!: string;
  @Column('text') key!: string;
  @Column('text') code!: string;
  /** Says what was expected; no payload, no personal data. */
  @Column('text') reason!: string;
  @Column('timestamptz', { name: 'parked_at', default: () => 'now()' }) parkedAt!: Date;
}
