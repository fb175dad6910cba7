import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Sums per UTC hour, source and currency, moved by deltas in the transaction that inserts the facts: always equal to their fold. */
@Entity('hourly_sales')
export class HourlySales {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'pk_hourly_sales' }) tenant!: string;
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'pk_hourly_sales' }) hour!: Date;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'pk_hourly_sales' }) source!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'pk_hourly_sales' }) currency!: string;
  @Column('bigint') lines!: string;
  @Column('numeric') gross!: string;
  /** Lines with a known customer, quantity > 0 and price > 0; `clean` and `units` are their amount and quantity. */
  @Column('bigint', { name: 'clean_lines' }) cleanLines!: string;
  @Column('numeric') clean!: string;
  @Column('numeric') units!: string;
  @Column('bigint', { name: 'cancelled_lines' }) cancelledLines!: string;
  /** Orders placed in this hour, by the order's time (lines count in the hour of their own). */
  @Column('bigint') orders!: string;
}
