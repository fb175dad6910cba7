import { Entity, PrimaryColumn } from 'typeorm';

/** Customers seen on a clean line, per currency: makes `buyers` on the live overview a count of rows. */
@Entity('buyer')
export class Buyer {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'pk_buyer' }) tenant!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'pk_buyer' }) currency!: string;
  @PrimaryColumn('text', { name: 'customer_ref', primaryKeyConstraintName: 'pk_buyer' }) customerRef!: string;
}
