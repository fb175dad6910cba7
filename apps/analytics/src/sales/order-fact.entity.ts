import { Column, Entity, PrimaryColumn, Unique } from 'typeorm';

/**
 * One row per billing event (placed, cancelled, returned, adjusted). It is the gate of the read model: an event whose row is already
 * there has had its whole effect, so its lines and the rollup are left alone.
 */
@Entity('order_fact')
@Unique('uq_order_fact_position', ['tenant', 'log', 'position'])
export class OrderFact {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'pk_order_fact' }) tenant!: string;
  @PrimaryColumn('text', { name: 'event_id', primaryKeyConstraintName: 'pk_order_fact' }) eventId!: string;
  @Column('text') log!: string;
  @Column('bigint') position!: string;
  @Column('text', { name: 'event_type' }) eventType!: string;
  @Column('text', { name: 'order_id' }) orderId!: string;
  /** placed, cancelled, returned or adjusted */
  @Column('text') fact!: string;
  /** Why it was cancelled, returned or adjusted, in the producer's code; null where the event doesn't say. */
  @Column('text', { nullable: true }) reason!: string | null;
  /** Name of the source key that brought the event. */
  @Column('text') source!: string;
  @Column('timestamptz') time!: Date;
  @Column('text', { nullable: true }) country!: string | null;
  @Column('text', { name: 'customer_ref', nullable: true }) customerRef!: string | null;
  @Column('text') currency!: string;
  /** Sum of quantity x unit price over the event's lines; exact, the scale is the text's. */
  @Column('numeric') gross!: string;
}
