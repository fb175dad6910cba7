import type { Decimal } from '@millrace/kernel';

export type Billing = 'placed' | 'cancelled' | 'returned' | 'adjusted';

/** One billed line as the star keeps it. `amount` = quantity × unitPrice, exactly. */
export interface OrderLineRow {
  readonly lineNo: number;
  readonly orderId: string;
  readonly billing: Billing;
  readonly lineKind: string;
  /** Milliseconds since 1970, UTC. */
  readonly atMs: number;
  readonly country: string | null;
  readonly productId: string;
  readonly description: string | null;
  readonly customerRef: string | null;
  readonly quantity: Decimal;
  readonly unitPrice: Decimal;
  readonly amount: Decimal;
  readonly currency: string;
  /** Why it was cancelled, returned or adjusted, as a code: `bad-debt`; null when the event doesn't say. */
  readonly reason: string | null;
}

export interface ProductFactRow {
  readonly fact: 'listed' | 'retired' | 'priced';
  readonly atMs: number;
  readonly productId: string;
  readonly name: string | null;
  readonly category: string | null;
  readonly price: Decimal | null;
  readonly currency: string | null;
  /** From when a changed price holds, where the event says so. Milliseconds since 1970, UTC. */
  readonly validFromMs: number | null;
}

export interface CustomerFactRow {
  readonly fact: 'registered' | 'changed';
  readonly atMs: number;
  readonly customerRef: string;
  readonly country: string | null;
}

/** What one event adds to the star; most events add to one table, many to none. */
export interface StarRows {
  readonly orderLines: readonly OrderLineRow[];
  readonly productFacts: readonly ProductFactRow[];
  readonly customerFacts: readonly CustomerFactRow[];
}
