import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { KpiHub } from './kpi-hub.ts';
import type { KpiSnapshot } from './kpi.query.ts';

const snapshot = (position: number): KpiSnapshot => ({ tenant: 'shop', asOf: { 'sales/0': position }, kpis: [] });

beforeEach(() => { jest.useFakeTimers(); });
afterEach(() => { jest.useRealTimers(); });

const started = (mostSubscribers = 10): { hub: KpiHub; seen: number[]; state: { position: number; failures: number; reads: number; errors: number }; leave: () => void } => {
  const state = { position: 0, failures: 0, reads: 0, errors: 0 };
  const read = async (): Promise<KpiSnapshot> => {
    state.reads += 1;
    if (state.failures > 0) {
      state.failures -= 1;
      throw new Error('connection refused');
    }
    return snapshot(state.position);
  };
  const seen: number[] = [];
  const hub = new KpiHub(read, () => { state.errors += 1; }, mostSubscribers);
  const leave = hub.subscribe('shop', (one) => { seen.push(one.asOf['sales/0'] ?? -1); });
  return { hub, seen, state, leave };
};
const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

describe('KpiHub', () => {
  it('hands a snapshot to who comes, and no more while nothing changes', async () => {
    const { seen } = started();
    await pass(60_000);
    expect(seen).toEqual([0]);
  });

  it('reads at once after a commit that ends a quiet time, and waits for the interval after the next', async () => {
    const { hub, seen, state } = started();
    await pass(1000);
    for (const position of [1, 2]) {
      state.position = position;
      hub.changed('shop');
      await pass(0);
      expect(seen).toEqual([0, 1]);
    }
    await pass(332);
    expect(seen).toEqual([0, 1]);
    await pass(1);
    expect(seen).toEqual([0, 1, 2]);
  });

  it('gathers a burst of commits into few snapshots, the last of which has them all', async () => {
    const { hub, seen, state } = started();
    await pass(0);
    for (let commit = 1; commit <= 100; commit += 1) {
      state.position = commit;
      hub.changed('shop');
      await pass(10);
    }
    await pass(1000);
    expect(seen.length).toBeLessThanOrEqual(1 + 4);
    expect(seen.at(-1)).toBe(100);
  });

  it('reads again when a commit comes while it reads', async () => {
    const { hub, seen, state } = started();
    jest.advanceTimersByTime(0); // the read has begun and not ended
    state.position = 1;
    hub.changed('shop');
    await pass(1000);
    expect(seen).toEqual([0, 1]);
  });

  it('reads nothing for a tenant nobody looks at', async () => {
    const { hub, state } = started();
    await pass(0);
    hub.changed('other');
    await pass(1000);
    expect(state.reads).toBe(1);
  });

  it('tries again after a read that failed, and says so', async () => {
    const { seen, state } = started();
    state.failures = 2;
    await pass(5000);
    expect([seen, state.errors, state.reads]).toEqual([[0], 2, 3]);
  });

  it('stops for a listener that left, even twice', async () => {
    const { hub, seen, leave } = started();
    await pass(0);
    hub.changed('shop');
    leave();
    leave();
    await pass(5000);
    expect([seen, hub.subscribers]).toEqual([[0], 0]);
  });

  it('refuses more listeners than it may have, until one leaves', () => {
    const { hub, leave } = started(1);
    expect(() => hub.subscribe('shop', () => undefined)).toThrow(expect.objectContaining({ kind: 'unavailable', code: 'too-many-streams' }));
    leave();
    expect(() => hub.subscribe('other', () => undefined)).not.toThrow();
  });
});
