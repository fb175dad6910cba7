import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * One row per billed line. What it shares with its event is copied here so that a metric reads one table. `numeric` without
 * precision keeps the scale of the text, so that sums print as an accountant would write them.
 */
@Entity('order_line_fact')
export class OrderLineFact {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'pk_order_line_fact' }) tenant!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'pk_order_line_fact' }) log!: string;
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'pk_order_line_fact' }) position!: string;
  @PrimaryColumn('integer', { name: 'line_no', primaryKeyConstraintName: 'pk_order_line_fact' }) lineNo!: number;
  @Column('text') fact!: string;
  @Column('text', { nullable: true }) reason!: string | null;
  /** What is billed, in the contract's words: product, postage, bank-charge, manual, … */
  @Column('text') kind!: string;
  @Column('text') source!: string;
  /** The line's own time. */
  @Column('timestamptz') time!: Date;
  @Column('text', { nullable: true }) country!: string | null;
  @Column('text', { name: 'product_id' }) productId!: string;
  /** Whether the event has no earlier line of the product: on these, orders are counted by product without sorting all lines. */
  @Column('boolean', { name: 'first_of_product' }) firstOfProduct!: boolean;
  @Column('text', { name: 'customer_ref', nullable: true }) customerRef!: string | null;
  /** Negative when goods or money go back. */
  @Column('numeric') quantity!: string;
  @Column('numeric', { name: 'unit_price' }) unitPrice!: string;
  /** quantity x unit price */
  @Column('numeric') amount!: string;
  @Column('text') currency!: string;
}
