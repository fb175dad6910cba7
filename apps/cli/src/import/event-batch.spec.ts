import fc from 'fast-check';
import type { WireEvent } from '@millrace/contracts';
import { EventBatch, laneOf, MAX_BYTES, MAX_EVENTS, streamKeyOf } from './event-batch.ts';

const event = (id: string, data: WireEvent['data'] = {}): WireEvent => ({ specversion: '1.0', id, source: 's', type: 't', data });

describe('a batch', () => {
  it('is a JSON array of its events, in order', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 20 }), (ids) => {
      const batch = new EventBatch();
      for (const id of ids) expect(batch.add(event(id), 2)).toBe(true);
      expect((JSON.parse(batch.body) as WireEvent[]).map((e) => e.id)).toEqual(ids);
      expect([batch.ids, batch.size, batch.lines]).toEqual([ids, ids.length, ids.length * 2]);
    }));
  });
  it('takes 500 events', () => {
    const batch = new EventBatch();
    for (let i = 0; i < MAX_EVENTS; i++) expect(batch.add(event(String(i)), 1)).toBe(true);
    expect(batch.add(event('one more'), 1)).toBe(false);
    expect([batch.size, batch.lines]).toEqual([MAX_EVENTS, MAX_EVENTS]);
  });
  it('takes at most a mebibyte, counted in bytes', () => {
    const batch = new EventBatch();
    let added = 0;
    while (batch.add(event(String(added), { text: '£'.repeat(20_000) }), 1)) added++;
    expect(Buffer.byteLength(batch.body)).toBeLessThanOrEqual(MAX_BYTES);
    expect(Buffer.byteLength(batch.body)).toBeGreaterThan(MAX_BYTES - 41_000);
  });
  it('takes one event that is larger, alone', () => {
    const batch = new EventBatch();
    expect(batch.add(event('big', { text: 'x'.repeat(2 * MAX_BYTES) }), 1)).toBe(true);
    expect(batch.add(event('small'), 1)).toBe(false);
  });
});

describe('lanes', () => {
  it.each([
    [{ orderId: '1', customer: { number: '17850' } }, '1'],
    [{ productId: '22423' }, '22423'],
    [{ customer: { number: '17850' }, country: 'France' }, '17850'],
    [{ orderId: 7, customer: null }, 'an-id'],
  ])('follow the stream of %j', (data, key) => expect(streamKeyOf(event('an-id', data))).toBe(key));
  it('are the same for the same key, and among those there are', () => {
    fc.assert(fc.property(fc.string(), fc.integer({ min: 1, max: 16 }), (key, lanes) => {
      const lane = laneOf(key, lanes);
      expect(lane).toBe(laneOf(key, lanes));
      expect(lane).toBeGreaterThanOrEqual(0);
      expect(lane).toBeLessThan(lanes);
    }));
  });
  it('are used evenly by invoice numbers', () => {
    const counts = [0, 0, 0, 0];
    for (let i = 536_365; i < 546_365; i++) counts[laneOf(String(i), 4)]!++;
    expect(Math.min(...counts)).toBeGreaterThan(2000);
  });
});
