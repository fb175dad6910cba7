// What runs in an intake thread: the whole pipeline of a request but for the connections, which stay with the thread that started it.
import { MessageChannel, parentPort } from 'node:worker_threads';
import { packUnits, prepareUnits } from '@millrace/event-store/prepared';
import { takeRequest, type IntakePorts, type IntakeReport } from '@millrace/intake';
import { systemClock } from '@millrace/kernel';
import { CachedSubjectKeys, DEFAULT_KEY_CACHE } from '@millrace/privacy';
import { workerData } from 'piscina';
import type { IntakeCalls, ThreadHello, ThreadSettings, ThreadTask } from './intake-calls.ts';
import { Caller, settle, type Settled } from './thread-calls.ts';

const { clockOffsetMs, maxSubjects } = workerData as ThreadSettings;

const { port1: own, port2: callsPort } = new MessageChannel();
parentPort?.postMessage({ callsPort } satisfies ThreadHello, [callsPort]);
const main = new Caller<IntakeCalls>(own);

const ports: IntakePorts = {
  store: {
    recordReceipt: (tenant, via, received) => main.call('recordReceipt', tenant, via, received),
    findEvents: (tenant, ids) => main.call('findEvents', tenant, ids),
    appendTo: (tenant, context, units, counting = {}) =>
      main.call('appendPacked', tenant, context, packUnits(prepareUnits({ tenant, context, shard: 0 }, units, counting, new Date(systemClock.now().getTime() + clockOffsetMs)))),
    recordRejects: (rejects, receipt) => main.call('recordRejects', rejects, receipt),
  },
  keys: new CachedSubjectKeys({
    resolve: (tenant, questions) => main.call('resolve', tenant, questions),
    find: (tenant, identifiers, purposes) => main.call('find', tenant, identifiers, purposes),
    keysOf: (tenant, refs, purposes) => main.call('keysOf', tenant, refs, purposes),
  }, { ...DEFAULT_KEY_CACHE, maxSubjects }),
};

/** Takes one request in, whatever becomes of it; several at a time. */
export const takeOnThread = ({ headers, body, delivery }: ThreadTask): Promise<Settled<IntakeReport>> =>
  settle(() => takeRequest(ports, { headers, body: Buffer.from(body.buffer, body.byteOffset, body.byteLength) }, delivery));
