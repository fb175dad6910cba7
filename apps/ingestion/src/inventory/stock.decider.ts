import type { StockCounted, StockReceived, StockReleased, StockReserved, StockShipped } from '@millrace/contracts';
import { DomainError, type Decider, type DomainEvent } from '@millrace/kernel';

export type StockEvent =
  | DomainEvent<'inventory.stock.received', StockReceived>
  | DomainEvent<'inventory.stock.counted', StockCounted>
  | DomainEvent<'inventory.stock.reserved', StockReserved>
  | DomainEvent<'inventory.stock.released', StockReleased>
  | DomainEvent<'inventory.stock.shipped', StockShipped>;

export type StockCommand =
  | { readonly kind: 'reserve'; readonly productId: string; readonly reservationId: string; readonly quantity: number; readonly orderId?: string }
  | { readonly kind: 'release'; readonly productId: string; readonly reservationId: string; readonly reason?: string };

type ReserveStock = Extract<StockCommand, { kind: 'reserve' }>;

/** What a reservation was made for. */
type Asked = Pick<ReserveStock, 'quantity' | 'orderId'>;

/** What a reservation holds: `open` units still promised, at least one; `asked` is what it was made for. */
export interface Reservation {
  readonly asked: Asked;
  readonly open: number;
}

/** Stock of one product. `onHand` counts promised units too, and follows facts from outside even below zero. */
export interface Stock {
  readonly onHand: number;
  readonly promised: number;
  /** Open ones only, so at most as many as there are units. */
  readonly reservations: ReadonlyMap<string, Reservation>;
}

/** Units that may be promised: never below zero. */
export const availableOf = ({ onHand, promised }: Stock): number => Math.max(0, onHand - promised);

const NO_STOCK: Stock = { onHand: 0, promised: 0, reservations: new Map() };

const withReservation = (stock: Stock, id: string, next: Reservation): Stock => {
  const before = stock.reservations.get(id)?.open ?? 0;
  const reservations = new Map(stock.reservations);
  if (next.open > 0) reservations.set(id, next);
  else reservations.delete(id);
  return { ...stock, promised: stock.promised - before + next.open, reservations };
};

/** Takes units off a reservation; facts of reservations that aren't open change nothing. */
const close = (stock: Stock, id: string | undefined, quantity: number): Stock => {
  const reservation = id === undefined ? undefined : stock.reservations.get(id);
  return id === undefined || !reservation ? stock : withReservation(stock, id, { ...reservation, open: Math.max(0, reservation.open - quantity) });
};

const evolve = (stock: Stock, event: StockEvent): Stock => {
  const { data } = event;
  switch (event.type) {
    case 'inventory.stock.received': return { ...stock, onHand: stock.onHand + data.quantity };
    case 'inventory.stock.counted': return { ...stock, onHand: data.quantity };
    case 'inventory.stock.reserved': {
      const { reservationId, quantity, orderId } = event.data;
      return withReservation(stock, reservationId, { asked: { quantity, ...(orderId === undefined ? {} : { orderId }) }, open: quantity });
    }
    case 'inventory.stock.released': return close(stock, event.data.reservationId, data.quantity);
    case 'inventory.stock.shipped': return close({ ...stock, onHand: stock.onHand - data.quantity }, event.data.reservationId, data.quantity);
  }
};

/** DomainError `conflict` (`reservation-differs`) when a reservation was made for another quantity or order than is asked for now. */
export const refuseOtherReservation = ({ productId, quantity, orderId }: ReserveStock, made: Asked): void => {
  if (made.quantity === quantity && made.orderId === orderId) return;
  const difference = made.quantity === quantity ? 'another order' : `${made.quantity} units, not ${quantity}`;
  throw new DomainError('conflict', 'reservation-differs', { productId, asked: made.quantity }, `Reservation ids are used once: this one was made for ${difference}. Use a fresh id.`);
};

const reserve = (command: ReserveStock, stock: Stock): StockEvent[] => {
  const { productId, reservationId, quantity, orderId } = command;
  const known = stock.reservations.get(reservationId);
  if (known) refuseOtherReservation(command, known.asked);
  if (known || quantity > availableOf(stock)) return [];
  return [{ type: 'inventory.stock.reserved', version: 1, data: { productId, reservationId, quantity, ...(orderId === undefined ? {} : { orderId }) } }];
};

const release = (command: Extract<StockCommand, { kind: 'release' }>, stock: Stock): StockEvent[] => {
  const { productId, reservationId, reason } = command;
  const known = stock.reservations.get(reservationId);
  if (!known) return [];
  return [{ type: 'inventory.stock.released', version: 1, data: { productId, reservationId, quantity: known.open, ...(reason === undefined ? {} : { reason }) } }];
};

/**
 * Promises stock: a reservation never takes more than is available. Refusal is no event (`[]`, and the reservation is not in the state
 * afterwards), so a refused shop page costs the log nothing. Both commands are idempotent while the reservation is open; that a late
 * repetition doesn't make a closed one anew is the command handler's part, by the command's id. Releasing what isn't open is nothing to do.
 */
export const stockDecider: Decider<Stock, StockCommand, StockEvent> = {
  initial: NO_STOCK,
  decide: (command, stock) => (command.kind === 'reserve' ? reserve(command, stock) : release(command, stock)),
  evolve,
};

/** The answer to a command, from the state after it. `available`: what may still be promised. */
export interface StockAnswer {
  readonly outcome: 'reserved' | 'refused' | 'released';
  readonly productId: string;
  readonly reservationId: string;
  readonly available: number;
}

export const answerOf = ({ kind, productId, reservationId }: StockCommand, after: Stock): StockAnswer => {
  const open = after.reservations.get(reservationId)?.open ?? 0;
  const outcome = kind === 'release' ? 'released' : open > 0 ? 'reserved' : 'refused';
  return { outcome, productId, reservationId, available: availableOf(after) };
};
