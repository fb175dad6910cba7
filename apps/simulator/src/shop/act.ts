/** A fact the shop wants to tell, before it has an id and a time. */
export interface Fact {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** How long ago it happened, where that isn't just now. */
  readonly lateMs?: number;
}

/** Units of one product that an order wants promised. */
export interface ReservationWish {
  readonly reservationId: string;
  readonly orderId: string;
  readonly productId: string;
  readonly quantity: number;
}

export type ReservationOutcome = 'reserved' | 'refused' | 'unanswered';

/** What happens next in a story: a fact, a question to the stock, or a pause of so many acts of others. */
export type Act =
  | { readonly kind: 'fact'; readonly fact: Fact }
  | { readonly kind: 'reserve'; readonly wish: ReservationWish }
  | { readonly kind: 'pause'; readonly acts: number };

/** A visit, or what follows an order: yields acts, and is told how a reservation went. */
export type Story = Generator<Act, void, ReservationOutcome | undefined>;

export const tell = (type: string, data: Readonly<Record<string, unknown>>): Act => ({ kind: 'fact', fact: { type, data } });
