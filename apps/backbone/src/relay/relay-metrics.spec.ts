import { beforeEach, describe, expect, it } from '@jest/globals';
import type { RelayStatus } from '@millrace/event-bus';
import { logName, type LogKey, type StoredEvent } from '@millrace/kernel';
import { Registry } from 'prom-client';
import { measureRelay } from './relay-metrics.ts';

const key: LogKey = { tenant: 'shop', context: 'sales', shard: 0 };
const RECORDED = '2026-11-01T00:00:00.000Z';
const eventAt = (position: number): StoredEvent => ({
  log: key, epoch: 1, position, streamVersion: 1, envelopeBytes: new Uint8Array(), data: new Uint8Array(), salt: new Uint8Array(), leaf: new Uint8Array(),
  envelope: { specversion: '1.0', id: `e-${position}`, source: 's', type: 't', version: 1, tenant: 'shop', stream: 's', time: RECORDED, receivedtime: RECORDED, recordedtime: RECORDED, via: 'v', fingerprint: '' },
});
let head: number;
let isAway: boolean;
let registry: Registry;
let status: RelayStatus;
const answer = <T>(value: T): Promise<T> => (isAway ? Promise.reject(new Error('away')) : Promise.resolve(value));
/** The event database, for as far as the metrics ask it. */
const reader = {
  heads: () => answer([{ ...key, epoch: 1, position: head }]),
  read: (_: LogKey, after: number) => answer(after < head ? [eventAt(after + 1)] : []),
};
const at = (relayed: number, state: RelayStatus['state'] = 'relaying'): void => { status = { tenant: 'shop', log: logName(key), epoch: 1, head, relayed, state }; };
const value = async (name: string): Promise<number | undefined> => {
  const found = new RegExp(`^millrace_relay_${name}\\{tenant="shop",log="sales/0"\\} (\\S+)$`, 'm').exec(await registry.metrics())?.[1];
  return found === undefined ? undefined : Number(found);
};

beforeEach(() => {
  [head, isAway] = [10, false];
  registry = new Registry();
  at(10);
  measureRelay(registry, { status: () => [status] }, reader);
});

describe('events brought to the bus', () => {
  it('are counted from the first look on, and not again after the bus was away', async () => {
    expect(await value('events_total')).toBe(0);
    head += 5;
    at(15);
    expect(await value('events_total')).toBe(5);
    at(0, 'waiting');
    expect(await value('events_total')).toBe(5);
    head += 1;
    at(16);
    expect(await value('events_total')).toBe(6);
  });
});

describe('the lag of the bus in seconds', () => {
  it('is 0 when all is there, and else the age of the oldest event that is not', async () => {
    expect(await value('lag_seconds')).toBe(0);
    head += 1;
    const least = Math.max(0, (Date.now() - Date.parse(RECORDED)) / 1000);
    expect(await value('lag_seconds')).toBeGreaterThanOrEqual(least);
    at(0, 'waiting');
    expect(await value('lag_seconds')).toBeGreaterThanOrEqual(least);
    at(11);
    expect(await value('lag_seconds')).toBe(0);
  });

  it('is not told while nobody can tell', async () => {
    at(0, 'waiting');
    expect(await value('lag_seconds')).toBeUndefined();
    at(10);
    isAway = true;
    expect([await value('lag_seconds'), await value('lag_events')]).toEqual([undefined, 0]);
  });
});
