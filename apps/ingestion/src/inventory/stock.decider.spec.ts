// oxlint-disable jest/expect-expect -- thenEmits and thenRejects throw when what was decided differs

import { describe, expect, it } from '@jest/globals';
import { deciderSpec } from '@millrace/event-sourcing';
import fc from 'fast-check';
import { answerOf, availableOf, stockDecider, type Stock, type StockCommand, type StockEvent } from './stock.decider.ts';

const productId = 'mug';
const fact = <Fact extends StockEvent['type']>(type: Fact, data: object): StockEvent => ({ type, version: 1, data: { productId, ...data } }) as StockEvent;
const received = (quantity: number) => fact('inventory.stock.received', { quantity });
const counted = (quantity: number) => fact('inventory.stock.counted', { quantity });
const reserved = (reservationId: string, quantity: number) => fact('inventory.stock.reserved', { reservationId, quantity });
const released = (reservationId: string, quantity: number) => fact('inventory.stock.released', { reservationId, quantity });
const shipped = (quantity: number, reservationId?: string) => fact('inventory.stock.shipped', { quantity, ...(reservationId === undefined ? {} : { reservationId }) });
const reserve = (reservationId: string, quantity: number): StockCommand => ({ kind: 'reserve', productId, reservationId, quantity });
const release = (reservationId: string): StockCommand => ({ kind: 'release', productId, reservationId });

const given = deciderSpec(stockDecider);
const fold = (...events: StockEvent[]): Stock => events.reduce(stockDecider.evolve, stockDecider.initial);

describe('reserving stock', () => {
  it('promises what is available', () => given(received(5)).when(reserve('r1', 5)).thenEmits(reserved('r1', 5)));
  it('refuses one unit more, without an event', () => given(received(5), reserved('r1', 3)).when(reserve('r2', 3)).thenEmits());
  it('has nothing to promise before anything came in', () => given().when(reserve('r1', 1)).thenEmits());
  it('makes an open reservation once', () => given(received(5), reserved('r1', 2)).when(reserve('r1', 2)).thenEmits());
  it('rejects the id of an open reservation for another quantity', () => given(received(5), reserved('r1', 2)).when(reserve('r1', 3)).thenRejects('reservation-differs'));
  it('promises again what was released', () => given(received(2), reserved('r1', 2), released('r1', 2)).when(reserve('r2', 2)).thenEmits(reserved('r2', 2)));
  it('keeps the order of the reservation', () => given(received(1)).when({ ...reserve('r1', 1), orderId: 'o-9' } as StockCommand).thenEmits(fact('inventory.stock.reserved', { reservationId: 'r1', quantity: 1, orderId: 'o-9' })));
  it('counts shipping against its reservation, not twice', () => given(received(5), reserved('r1', 2), shipped(2, 'r1')).when(reserve('r2', 3)).thenEmits(reserved('r2', 3)));
  it('believes a count over what it had added up', () => given(received(10), counted(1)).when(reserve('r1', 2)).thenEmits());
});

describe('releasing a reservation', () => {
  it('gives back what is still open', () => given(received(5), reserved('r1', 3), shipped(1, 'r1')).when(release('r1')).thenEmits(released('r1', 2)));
  it('has nothing to do for one that is closed or was never made', () => {
    given(received(5), reserved('r1', 3), released('r1', 3)).when(release('r1')).thenEmits();
    given().when(release('r1')).thenEmits();
  });
});

describe('available stock', () => {
  it('is never below zero, whatever outside facts say', () => {
    expect(availableOf(fold(received(2), shipped(5)))).toBe(0);
    expect(availableOf(fold(received(5), reserved('r1', 4), counted(1)))).toBe(0);
  });

  it('holds through any history of commands: open promises never exceed what is on hand', () => {
    const commands = fc.array(fc.oneof(
      fc.record({ kind: fc.constant('reserve' as const), productId: fc.constant(productId), reservationId: fc.stringMatching(/^r[0-9]{1,2}$/), quantity: fc.integer({ min: 1, max: 8 }) }),
      fc.record({ kind: fc.constant('release' as const), productId: fc.constant(productId), reservationId: fc.stringMatching(/^r[0-9]{1,2}$/) }),
    ), { maxLength: 40 });
    const attempt = (command: StockCommand, stock: Stock): StockEvent[] => {
      try {
        return stockDecider.decide(command, stock);
      } catch {
        return [];
      }
    };
    fc.assert(fc.property(fc.integer({ min: 0, max: 30 }), commands, (onHand, history) => {
      const end = history.reduce((stock, command) => attempt(command, stock).reduce(stockDecider.evolve, stock), fold(received(onHand + 1)));
      expect(end.promised).toBeLessThanOrEqual(end.onHand);
      expect(end.promised).toBe([...end.reservations.values()].reduce((sum, { open }) => sum + open, 0));
    }));
  });
});

it('answers from the state after the command', () => {
  expect(answerOf(reserve('r1', 2), fold(received(5), reserved('r1', 2)))).toEqual({ outcome: 'reserved', productId, reservationId: 'r1', available: 3 });
  expect(answerOf(reserve('r2', 9), fold(received(5), reserved('r1', 2)))).toEqual({ outcome: 'refused', productId, reservationId: 'r2', available: 3 });
  expect(answerOf(release('r1'), fold(received(5), reserved('r1', 2), released('r1', 2)))).toEqual({ outcome: 'released', productId, reservationId: 'r1', available: 5 });
});
