import { randomBytes } from 'node:crypto';
import type { AppendUnit, PgEventStore } from '@millrace/event-store';
import type { LogKey } from '@millrace/kernel';
import { v7 } from 'uuid';
import { sampleBody } from './raw-table.ts';
import { perSecond } from './rounds.ts';

export const BENCH_LOG: LogKey = { tenant: 'shop', context: 'sales', shard: 0 };

const BODY = sampleBody();

/** A new stream with its first event: expected version 0, a UUIDv7 id, `data` as given (430 B unless told). */
export const sampleUnit = (data: Buffer = BODY, log: LogKey = BENCH_LOG): AppendUnit => {
  const id = v7();
  const stream = `${log.context}.order/${id}`;
  return {
    stream, expectedVersion: 0,
    events: [{
      envelope: {
        specversion: '1.0', id, source: 'https://shop.example', type: `${log.context}.order.placed`, version: 1, tenant: log.tenant, stream,
        time: '2026-01-02T03:04:05.678Z', receivedtime: '2026-01-02T03:04:06.000Z', via: 'bench', fingerprint: randomBytes(32).toString('hex'),
      },
      data,
    }],
  };
};

export interface AppendLoad {
  readonly callers: number;
  readonly perCall: number;
  readonly events: number;
  readonly data?: Buffer;
}

/** Events per second with `callers`, each appending `perCall` events, waiting for the answer, and appending again. */
export const measureAppend = (store: PgEventStore, { callers, perCall, events, data }: AppendLoad): Promise<number> => {
  const calls = Array.from({ length: Math.floor(events / perCall) }, () => Array.from({ length: perCall }, () => sampleUnit(data)));
  return perSecond(calls.length * perCall, () => Promise.all(Array.from({ length: callers }, async () => {
    for (let units = calls.pop(); units !== undefined; units = calls.pop()) await store.append(BENCH_LOG, units, { countAs: 'intake' });
  })));
};
