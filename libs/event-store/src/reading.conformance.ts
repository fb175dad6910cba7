/* oxlint-disable max-lines-per-function -- a suite of specs, held to the same rules as a *.spec.ts */
import { describe, expect, it } from '@jest/globals';
import type { LogKey, Position } from '@millrace/kernel';
import { newStream, sampleEvent, sampleLog, single } from './event-store.conformance.ts';
import type { AppendUnit, EventStore } from './event-store.ts';
import type { LogPage, PageRequest } from './read-log.ts';

const positions = (pages: readonly LogPage[]): Position[] => pages.flatMap((page) => page.events.map((event) => event.position));

/** An event of a type and subject of its own. */
const about = (log: LogKey, fact: string, subject?: string, body = 'b'): AppendUnit => {
  const stream = newStream(log);
  const event = sampleEvent(log, stream, { body });
  return { stream, expectedVersion: 'any', events: [{ ...event, envelope: { ...event.envelope, type: `${log.context}.order.${fact}`, ...(subject === undefined ? {} : { subject }) } }] };
};

const all = async (store: EventStore, log: LogKey, request: Omit<PageRequest, 'after'>): Promise<LogPage[]> => {
  const pages: LogPage[] = [];
  for await (const page of store.pages(log, { after: 0, ...request })) pages.push(page);
  return pages;
};

/** The rules of reading, for any implementation of the port: `store` may append to and read `sales`. */
export const describeReading = (storeOf: () => EventStore): void => {
  describe('reading page by page', () => {
    it('hands out every event once, in order, whatever the size of the pages, and ends', async () => {
      const [store, log] = [storeOf(), sampleLog()];
      await store.append(log, Array.from({ length: 25 }, (_, n) => single(log, { body: 'x'.repeat(n * 10) })));
      for (const request of [{ limit: 1 }, { limit: 7 }, { limit: 1000 }, { limit: 1000, maxBytes: 600 }]) {
        const pages = await all(store, log, request);
        expect(positions(pages)).toEqual(Array.from({ length: 25 }, (_, n) => n + 1));
        expect(pages.map((page) => page.through)).toEqual(pages.map((page) => page.events.at(-1)!.position));
      }
      expect(await all(store, { ...log, shard: 7 }, { limit: 10 })).toEqual([]);
    });

    it('goes on where it was told to, and holds one page ahead at most', async () => {
      const [store, log] = [storeOf(), sampleLog()];
      await store.append(log, Array.from({ length: 10 }, () => single(log)));
      const pages = store.pages(log, { after: 4, limit: 2 })[Symbol.asyncIterator]();
      expect(positions([(await pages.next()).value as LogPage])).toEqual([5, 6]);
      await pages.return?.();
      expect(await store.readPage(log, { after: 10, limit: 5 })).toEqual({ events: [], through: 10 });
    });

    it('parses an envelope when asked for it, as often as asked the same one', async () => {
      const [store, log] = [storeOf(), sampleLog()];
      await store.append(log, [single(log)]);
      const [event] = await store.read(log, 0, 1);
      expect(event!.envelope).toBe(event!.envelope);
      expect({ ...event! }.envelope).toEqual(JSON.parse(Buffer.from(event!.envelopeBytes).toString()));
    });
  });

  describe('a filter', () => {
    it('shows what fits by type, by subject and by both, and says how far it looked', async () => {
      const [store, log] = [storeOf(), sampleLog()];
      await store.append(log, [about(log, 'placed', 'sub_a')]);
      for (const unit of [about(log, 'paid', 'sub_b'), about(log, 'placed', 'sub_b'), about(log, 'placed'), about(log, 'paid', 'sub_a')]) await store.append(log, [unit]);
      const found = async (filter: Partial<PageRequest>): Promise<[Position[], Position]> => {
        const page = await store.readPage(log, { after: 0, limit: 10, ...filter });
        return [positions([page]), page.through];
      };
      expect(await found({ type: 'sales.order.placed' })).toEqual([[1, 3, 4], 5]);
      expect(await found({ subject: 'sub_a' })).toEqual([[1, 5], 5]);
      expect(await found({ type: 'sales.order.paid', subject: 'sub_b' })).toEqual([[2], 5]);
      expect(await found({ type: 'sales.order.placed', limit: 2 })).toEqual([[1, 3], 3]);
      expect(await found({ subject: 'sub_a', after: 1, maxBytes: 1 })).toEqual([[5], 5]);
      expect(await found({ type: 'sales.order.placed', maxBytes: 1 })).toEqual([[1], 1]);
      expect(await found({ subject: 'sub_' })).toEqual([[], 5]);
      expect(await found({ type: 'sales.order.placed', after: 5 })).toEqual([[], 5]);
      expect(positions(await all(store, log, { limit: 1, type: 'sales.order.placed' }))).toEqual([1, 3, 4]);
    });

    it('takes nothing for a type or subject that only looks like it', async () => {
      const [store, log] = [storeOf(), sampleLog()];
      await store.append(log, [about(log, 'placed', '"type":"sales.order.paid"', '"type":"sales.order.paid"'), about(log, 'placed', String.raw`a\"b'c`), about(log, 'placed', 'Ünïcode ✓')]);
      const hits = async (filter: Partial<PageRequest>): Promise<number> => (await store.readPage(log, { after: 0, limit: 10, ...filter })).events.length;
      expect(await hits({ type: 'sales.order.paid' })).toBe(0);
      expect(await hits({ type: 'sales.order.place' })).toBe(0);
      expect(await hits({ subject: '"type":"sales.order.paid"' })).toBe(1);
      expect(await hits({ subject: String.raw`a\"b'c` })).toBe(1);
      expect(await hits({ subject: 'Ünïcode ✓' })).toBe(1);
      for (const subject of ['a\0b', '\uD800', `'; DROP TABLE millrace.event; --`]) expect(await store.readPage(log, { after: 0, limit: 10, subject })).toEqual({ events: [], through: 3 });
    });
  });
};
