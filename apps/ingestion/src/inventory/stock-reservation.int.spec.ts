import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PgEventStore } from '@millrace/event-store';
import { uniqueTenant, type TestDatabase } from '@millrace/testing';
import fc from 'fast-check';
import { freshEventDatabase, ROLE, ROLE_PASSWORD } from '../testing.ts';
import type { StockAnswer, StockCommand } from './stock.decider.ts';
import { StockReservation } from './stock-reservation.ts';

const productId = 'mug';
const stream = `inventory.stock/${productId}`;
let database: TestDatabase;
let store: PgEventStore;
let stock: StockReservation;
beforeAll(async () => {
  database = await freshEventDatabase();
  // With ingestion's own rights: it appends to seven contexts and reads this one.
  store = PgEventStore.connect({ url: database.urlAs(ROLE, ROLE_PASSWORD), applicationName: 'stock-spec' });
  stock = new StockReservation(store);
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

const receive = async (tenant: string, quantity: number, id = 'in-1', of = productId): Promise<void> => {
  const stream = `inventory.stock/${of}`;
  const at = '2026-11-23T12:00:00.000Z';
  await store.append({ tenant, context: 'inventory', shard: 0 }, [{ stream, expectedVersion: 'any', events: [{
    envelope: { specversion: '1.0', id, source: '/wms', type: 'inventory.stock.received', version: 1, tenant, stream, time: at, receivedtime: at, via: 'wms', fingerprint: '0'.repeat(64) },
    data: Buffer.from(JSON.stringify({ productId: of, quantity })),
  }] }]);
};
const reserve = (tenant: string, reservationId: string, quantity: number, orderId?: string): Promise<StockAnswer> =>
  stock.handle(tenant, { kind: 'reserve', productId, reservationId, quantity, ...(orderId === undefined ? {} : { orderId }) });
const release = (tenant: string, reservationId: string): Promise<StockAnswer> => stock.handle(tenant, { kind: 'release', productId, reservationId });
const typesOf = async (tenant: string): Promise<string[]> => (await store.readStream(tenant, stream, 0, 100)).map(({ envelope }) => envelope.type.slice('inventory.stock.'.length));

describe('reserving over the log', () => {
  it('appends one fact per promise, with the order it is for, and none for a refusal', async () => {
    const tenant = uniqueTenant();
    await receive(tenant, 3);
    expect(await reserve(tenant, 'r-1', 2, 'o-77')).toEqual({ outcome: 'reserved', productId, reservationId: 'r-1', available: 1 });
    expect(await reserve(tenant, 'r-2', 2)).toEqual({ outcome: 'refused', productId, reservationId: 'r-2', available: 1 });
    expect(await typesOf(tenant)).toEqual(['received', 'reserved']);
    const [, promise] = await store.readStream(tenant, stream, 0, 10);
    expect(promise!.envelope).toMatchObject({ via: 'inventory', correlationid: 'o-77', stream });
    expect(JSON.parse(Buffer.from(promise!.data).toString())).toEqual({ productId, reservationId: 'r-1', quantity: 2, orderId: 'o-77' });
  });

  it('lets a refused reservation try again once there is stock', async () => {
    const tenant = uniqueTenant();
    expect((await reserve(tenant, 'r-1', 1)).outcome).toBe('refused');
    await receive(tenant, 1);
    expect((await reserve(tenant, 'r-1', 1)).outcome).toBe('reserved');
  });

  it('rejects a reservation\'s id for another quantity or order, open or released', async () => {
    const tenant = uniqueTenant();
    await receive(tenant, 9);
    await reserve(tenant, 'r-1', 2, 'o-1');
    const differing = () => [reserve(tenant, 'r-1', 5, 'o-1'), reserve(tenant, 'r-1', 2, 'o-2'), reserve(tenant, 'r-1', 2)];
    for (const asked of differing()) await expect(asked).rejects.toMatchObject({ kind: 'conflict', code: 'reservation-differs', details: { asked: 2 } });
    expect(await reserve(tenant, 'r-1', 2, 'o-1')).toMatchObject({ outcome: 'reserved', available: 7 });
    await release(tenant, 'r-1');
    for (const asked of differing()) await expect(asked).rejects.toMatchObject({ code: 'reservation-differs' });
    expect(await typesOf(tenant)).toEqual(['received', 'reserved', 'released']);
  });

  it('keeps apart ids that read the same when put together, and takes the longest the contracts allow', async () => {
    const tenant = uniqueTenant();
    const [a, b] = ['mug/big', 'mug'];
    await receive(tenant, 5, 'in-a', a);
    await receive(tenant, 5, 'in-b', b);
    const asked = (of: string, reservationId: string, quantity: number) => stock.handle(tenant, { kind: 'reserve', productId: of, reservationId, quantity });
    expect(await asked(a, 'r', 1)).toMatchObject({ outcome: 'reserved', available: 4 });
    expect(await asked(b, 'big/r', 2)).toMatchObject({ outcome: 'reserved', available: 3 });
    expect(await asked(b, '字'.repeat(128), 3)).toMatchObject({ outcome: 'reserved', available: 0 });
    expect(await asked('字'.repeat(128), 'r', 1)).toMatchObject({ outcome: 'refused', available: 0 });
  });

  it('releases once, and makes a released reservation no more', async () => {
    const tenant = uniqueTenant();
    await receive(tenant, 2);
    await reserve(tenant, 'r-1', 2);
    expect(await release(tenant, 'r-1')).toMatchObject({ outcome: 'released', available: 2 });
    expect(await release(tenant, 'r-1')).toMatchObject({ outcome: 'released', available: 2 });
    expect(await reserve(tenant, 'r-1', 2)).toMatchObject({ outcome: 'refused', available: 2 });
    expect(await typesOf(tenant)).toEqual(['received', 'reserved', 'released']);
  });

  it('keeps tenants apart', async () => {
    const [rich, poor] = [uniqueTenant(), uniqueTenant()];
    await receive(rich, 5);
    expect([(await reserve(rich, 'r-1', 1)).outcome, (await reserve(poor, 'r-1', 1)).outcome]).toEqual(['reserved', 'refused']);
  });

  it('is not counted as intake', async () => {
    const tenant = uniqueTenant();
    await receive(tenant, 1);
    await reserve(tenant, 'r-1', 1);
    expect(await store.counts(tenant)).toEqual([]);
  });
});

it('answers each of many at once reserved or refused, also over two processes', async () => {
  const tenant = uniqueTenant();
  await receive(tenant, 5);
  const processes = [stock, new StockReservation(store)];
  const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => processes[n % 2]!.handle(tenant, { kind: 'reserve', productId, reservationId: `r-${n}`, quantity: 1 })));
  expect(answers.map(({ outcome }) => outcome).toSorted()).toEqual([...Array.from({ length: 35 }, () => 'refused'), ...Array.from({ length: 5 }, () => 'reserved')]);
});

it('never promises more than there is, however many ask at once and in whatever order', async () => {
  const wish = fc.record({ reservation: fc.integer({ min: 1, max: 6 }), quantity: fc.integer({ min: 1, max: 4 }), release: fc.boolean() });
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 10 }), fc.array(wish, { minLength: 1, maxLength: 8 }), async (onHand, wishes) => {
    const tenant = uniqueTenant();
    await receive(tenant, onHand);
    const commands = wishes.map(({ reservation, quantity, release: gives }): StockCommand => {
      const reservationId = `r-${reservation}`;
      return gives ? { kind: 'release', productId, reservationId } : { kind: 'reserve', productId, reservationId, quantity };
    });
    await Promise.allSettled(commands.map((command) => stock.handle(tenant, command)));
    let promised = 0;
    for (const { envelope, data } of await store.readStream(tenant, stream, 1, 100)) {
      const { quantity } = JSON.parse(Buffer.from(data).toString()) as { quantity: number };
      promised += envelope.type === 'inventory.stock.reserved' ? quantity : -quantity;
      expect(promised).toBeGreaterThanOrEqual(0);
      expect(promised).toBeLessThanOrEqual(onHand);
    }
  }), { numRuns: 15 });
});
