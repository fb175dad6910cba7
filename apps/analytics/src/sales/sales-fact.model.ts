import type { DecimalText } from '@millrace/kernel';

export type SalesFactKind = 'placed' | 'cancelled' | 'returned' | 'adjusted';

/** One billed line as the read model keeps it. */
export interface SalesLine {
  readonly lineNo: number;
  readonly kind: string;
  /** ISO 8601 */
  readonly time: string;
  readonly productId: string;
  /** Whether it is the event's first line of its product: orders are counted by product on these. */
  readonly firstOfProduct: boolean;
  readonly quantity: DecimalText;
  readonly unitPrice: DecimalText;
}

/** What one billing event says, as the read model keeps it. All amounts of one event are in one currency. */
export interface SalesFact {
  readonly position: number;
  readonly eventId: string;
  readonly eventType: string;
  readonly orderId: string;
  readonly fact: SalesFactKind;
  /** Why it was cancelled, returned or adjusted, as a code: `bad-debt`; null when the event doesn't say. */
  readonly reason: string | null;
  readonly source: string;
  /** ISO 8601 */
  readonly time: string;
  readonly country: string | null;
  readonly customerRef: string | null;
  readonly currency: string;
  readonly lines: readonly SalesLine[];
}
