/* oxlint-disable max-lines-per-function -- a suite of specs, held to the same rules as a *.spec.ts */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { StoredEvent } from '@millrace/kernel';
import { newStream, sampleEvent, sampleLog, single } from './event-store.conformance.ts';
import type { AppendUnit, EventStore, PlacedOutcome } from './event-store.ts';

/** What this suite needs: two stores over the same events, each with a view of its own of how many logs there are. */
export interface PlacingCandidate {
  readonly stores: readonly [EventStore, EventStore];
  raiseShards(tenant: string, context: 'sales', shards: number): Promise<unknown>;
  close(): Promise<void>;
}

const byStream = (events: readonly StoredEvent[]): Map<string, StoredEvent[]> => Map.groupBy(events, (event) => event.envelope.stream);
const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);
const idOf = (unit: AppendUnit): string => unit.events[0]!.envelope.id;
const shardOf = (outcome: PlacedOutcome | undefined): number => (outcome?.kind === 'appended' || outcome?.kind === 'duplicate' ? outcome.log.shard : -1);

const everything = async (store: EventStore, tenant: string): Promise<StoredEvent[]> => {
  const logs = await store.heads(tenant);
  return (await Promise.all(logs.map((log) => store.read(log, 0, 10_000)))).flat();
};

/** The rules of `appendTo`, for any implementation of the port. */
export const describePlacedAppends = (name: string, open: () => Promise<PlacingCandidate>): void => {
  describe(`${name}: appending wherever streams live`, () => {
    let candidate: PlacingCandidate;
    let store: EventStore;
    beforeAll(async () => {
      candidate = await open();
      [store] = candidate.stores;
    });
    afterAll(() => candidate.close());

    it('is appending to shard 0 while there is one log', async () => {
      const log = sampleLog();
      const units = range(5).map(() => single(log));
      expect(await store.appendTo(log.tenant, 'sales', units)).toEqual(range(5).map((position) => ({ kind: 'appended', log, position, streamVersion: 1 })));
      expect(await store.appendTo(log.tenant, 'sales', [])).toEqual([]);
      expect(await store.heads(log.tenant)).toMatchObject([{ context: 'sales', shard: 0, position: 5 }]);
    });

    it('spreads new streams over all logs, the same way in every store, and answers in the order given', async () => {
      const log = sampleLog();
      await candidate.raiseShards(log.tenant, 'sales', 4);
      const units = range(200).map(() => single(log));
      const outcomes = await store.appendTo(log.tenant, 'sales', units);
      expect(new Set(outcomes.map(shardOf))).toEqual(new Set([0, 1, 2, 3]));
      const events = new Map((await everything(store, log.tenant)).map((event) => [event.envelope.id, event]));
      expect(outcomes).toEqual(units.map((unit) => ({ kind: 'appended', log: events.get(idOf(unit))?.log, position: events.get(idOf(unit))?.position, streamVersion: 1 })));
      const other = sampleLog();
      await candidate.raiseShards(other.tenant, 'sales', 4);
      const again = await candidate.stores[1].appendTo(other.tenant, 'sales', units.map(({ stream }) => single(other, { stream })));
      expect(again.map(shardOf)).toEqual(outcomes.map(shardOf));
    });

    it('leaves a stream where it is when the count is raised, and checks its version there', async () => {
      const log = sampleLog();
      const streams = range(20).map(() => newStream(log));
      const first = await store.appendTo(log.tenant, 'sales', streams.map((stream) => single(log, { stream })));
      await candidate.raiseShards(log.tenant, 'sales', 8);
      for (const seen of candidate.stores) {
        const wrong = await seen.appendTo(log.tenant, 'sales', streams.map((stream) => ({ stream, expectedVersion: 9, events: [sampleEvent(log, stream)] })));
        expect(new Set(wrong.map((outcome) => outcome.kind))).toEqual(new Set(['wrong-version']));
      }
      const second = await candidate.stores[1].appendTo(log.tenant, 'sales', streams.map((stream) => ({ stream, expectedVersion: 1, events: [sampleEvent(log, stream)] })));
      expect(second.map(shardOf)).toEqual(first.map(shardOf));
      expect(new Set(second.map((outcome) => (outcome.kind === 'appended' ? outcome.streamVersion : 0)))).toEqual(new Set([2]));
    });

    it('finds a stream another writer put elsewhere, for everyone in the call', async () => {
      const log = sampleLog();
      const elsewhere = { ...log, shard: 3 };
      const stream = newStream(log);
      await store.append(elsewhere, [single(elsewhere, { stream })]);
      const outcomes = await store.appendTo(log.tenant, 'sales', [single(log), single(log, { stream }), single(log), single(log, { stream })]);
      expect(outcomes).toEqual([
        { kind: 'appended', log, position: 1, streamVersion: 1 }, { kind: 'appended', log: elsewhere, position: 2, streamVersion: 2 },
        { kind: 'appended', log, position: 2, streamVersion: 1 }, { kind: 'appended', log: elsewhere, position: 3, streamVersion: 3 },
      ]);
    });

    it('counts each event of an intake once, whatever log it came to in the end', async () => {
      const log = sampleLog();
      const elsewhere = { ...log, shard: 5 };
      const stream = newStream(log);
      const known = single(elsewhere, { stream });
      await store.append(elsewhere, [known]);
      await store.appendTo(log.tenant, 'sales', [single(log, { stream }), known, single(log)], { countAs: 'intake' });
      expect(await store.counts(log.tenant)).toMatchObject([{ source: 'web', accepted: 2, duplicate: 1, rejected: 0 }]);
    });

    it('refuses what append refuses, before anything is stored', async () => {
      const log = sampleLog();
      await expect(store.appendTo(log.tenant, 'sales', [single(log), single(log, { stream: 'inventory.stock/1' })])).rejects.toMatchObject({ code: 'envelope-mismatch' });
      await expect(store.appendTo(log.tenant, 'customer', [single({ ...log, context: 'customer' })])).rejects.toMatchObject({ kind: 'forbidden', code: 'not-granted' });
      expect(await store.heads(log.tenant)).toEqual([]);
    });

    it('keeps order, versions and positions of every stream through any raises in between, from two stores at once', async () => {
      const calls = fc.array(fc.oneof(
        { weight: 1, arbitrary: fc.record({ raise: fc.integer({ min: 2, max: 9 }) }) },
        { weight: 6, arbitrary: fc.record({ by: fc.constantFrom(0, 1), streams: fc.array(fc.nat(11), { minLength: 1, maxLength: 8 }) }) },
      ), { minLength: 4, maxLength: 30 });
      await fc.assert(fc.asyncProperty(calls, async (steps) => {
        const log = sampleLog();
        const sent = [new Map<string, string[]>(), new Map<string, string[]>()];
        const answers: Promise<PlacedOutcome[]>[] = [];
        let count = 1;
        for (const step of steps) {
          if ('raise' in step) {
            // The calls before it are not awaited: it lands while they are under way.
            await candidate.raiseShards(log.tenant, 'sales', count = Math.max(count, step.raise));
            continue;
          }
          const units = step.streams.map((n) => single(log, { stream: `sales.order/${n}`, via: `store-${step.by}` }));
          for (const unit of units) sent[step.by]!.set(unit.stream, [...(sent[step.by]!.get(unit.stream) ?? []), idOf(unit)]);
          answers.push(candidate.stores[step.by]!.appendTo(log.tenant, 'sales', units));
        }
        const outcomes = (await Promise.all(answers)).flat();
        expect(new Set(outcomes.map((outcome) => outcome.kind))).toEqual(new Set(answers.length > 0 ? ['appended'] : []));
        const events = await everything(store, log.tenant);
        for (const head of await store.heads(log.tenant)) expect(events.filter((event) => event.log.shard === head.shard).map((event) => event.position)).toEqual(range(head.position));
        expect(events).toHaveLength(outcomes.length);
        for (const [stream, ofStream] of byStream(events)) {
          expect(new Set(ofStream.map((event) => event.log.shard)).size).toBe(1);
          expect(ofStream.map((event) => event.streamVersion)).toEqual(range(ofStream.length));
          for (const [by, ids] of sent.entries()) expect(ofStream.filter((event) => event.envelope.via === `store-${by}`).map((event) => event.envelope.id)).toEqual(ids.get(stream) ?? []);
        }
      }), { numRuns: 40 });
    }, 60_000);
  });
};
