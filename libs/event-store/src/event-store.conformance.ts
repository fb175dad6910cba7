/* oxlint-disable max-lines-per-function -- a suite of specs, held to the same rules as a *.spec.ts */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import type { Context, Envelope, LogKey } from '@millrace/kernel';
import { leafHash } from './event-frame.ts';
import type { AppendUnit, EventStore, EventToAppend } from './event-store.ts';

/** What the suite needs of an implementation: a store that may append to and read `sales` and `inventory`. */
export interface Candidate {
  readonly store: EventStore;
  /** Renews the epoch of a log, as a recovery would. */
  renewEpoch(log: LogKey): Promise<number>;
}

const HASHES = ['a', 'b', 'c'].map((digit) => digit.repeat(64));

/** A well-formed event of the log's tenant and context; `body` tells bodies apart. */
export const sampleEvent = (log: LogKey, stream: string, options: { id?: string; fingerprint?: string; body?: string; via?: string } = {}): EventToAppend => ({
  envelope: {
    specversion: '1.0', id: options.id ?? randomUUID(), source: 'https://shop.example', type: `${log.context}.order.placed`, version: 1, tenant: log.tenant, stream,
    time: '2026-01-02T03:04:05.678Z', receivedtime: '2026-01-02T03:04:06.000Z', via: options.via ?? 'web', fingerprint: options.fingerprint ?? HASHES[0]!,
  } satisfies Omit<Envelope, 'recordedtime'>,
  data: Buffer.from(JSON.stringify({ body: options.body ?? 'first' })),
});

export const sampleLog = (context: Context = 'sales', shard = 0): LogKey => ({ tenant: `t-${randomBytes(6).toString('hex')}`, context, shard });

export const newStream = (log: LogKey): string => `${log.context}.order/${randomUUID()}`;

/** A unit of one event with any expected version. */
export const single = (log: LogKey, options: Parameters<typeof sampleEvent>[2] & { stream?: string } = {}): AppendUnit => {
  const stream = options.stream ?? newStream(log);
  return { stream, expectedVersion: 'any', events: [sampleEvent(log, stream, options)] };
};

const unitOf = (log: LogKey, stream: string, expectedVersion: number | 'any', count: number): AppendUnit =>
  ({ stream, expectedVersion, events: Array.from({ length: count }, () => sampleEvent(log, stream)) });

const idOf = (unit: AppendUnit): string => unit.events[0]!.envelope.id;

/** The rules of the EventStore port, for any implementation of it. */
export const describeEventStore = (name: string, make: () => Promise<Candidate & { close(): Promise<void> }>): void => {
  describe(`${name} as an event store`, () => {
    let candidate: Candidate & { close(): Promise<void> };
    let store: EventStore;
    beforeAll(async () => { candidate = await make(); store = candidate.store; });
    afterAll(() => candidate.close());

    describe('positions and reading', () => {
      it('gives dense positions from 1, in order', async () => {
        const log = sampleLog();
        const first = await store.append(log, [single(log), single(log)]);
        const second = await store.append(log, [single(log)]);
        expect([...first, ...second]).toEqual([1, 2, 3].map((position) => ({ kind: 'appended', position, streamVersion: 1 })));
      });

      it('returns what was appended, byte for byte, with its leaf', async () => {
        const log = sampleLog();
        const unit = single(log, { body: 'Ünïcode ✓' });
        await store.append(log, [unit]);
        const [event] = await store.read(log, 0, 10);
        expect(event).toMatchObject({ log, position: 1, streamVersion: 1, envelope: unit.events[0]!.envelope });
        expect(Buffer.from(event!.data)).toEqual(Buffer.from(unit.events[0]!.data));
        expect(event!.salt).toHaveLength(16);
        expect(Buffer.from(event!.leaf)).toEqual(Buffer.from(leafHash(event!.envelopeBytes, event!.salt, event!.data)));
        expect(JSON.parse(Buffer.from(event!.envelopeBytes).toString())).toEqual(event!.envelope);
      });

      it('pages by position, by count and by bytes, and returns one event however large', async () => {
        const log = sampleLog();
        await store.append(log, Array.from({ length: 5 }, () => single(log, { body: 'x'.repeat(1000) })));
        expect((await store.read(log, 2, 2)).map((event) => event.position)).toEqual([3, 4]);
        expect((await store.read(log, 0, 10, 1)).map((event) => event.position)).toEqual([1]);
        expect((await store.read(log, 1, 10, 2500)).map((event) => event.position)).toEqual([2, 3, 4]);
        expect(await store.read(log, 5, 10)).toEqual([]);
      });

      it('knows heads and marks', async () => {
        const log = sampleLog();
        expect(await store.head(log)).toBeUndefined();
        await store.append(log, [single(log), single(log)]);
        const [event] = await store.read(log, 1, 1);
        expect(await store.head(log)).toEqual({ ...log, epoch: event!.epoch, position: 2, leaf: event!.leaf });
        expect(await store.heads(log.tenant)).toEqual([await store.head(log)]);
        expect(await store.mark(log, 2)).toEqual({ epoch: event!.epoch, position: 2, leaf: event!.leaf });
        expect(await store.mark(log, 3)).toBeUndefined();
      });

      it('reads a stream by version and an event by id', async () => {
        const log = sampleLog();
        const stream = newStream(log);
        await store.append(log, [unitOf(log, stream, 0, 3), single(log)]);
        const versions = await store.readStream(log.tenant, stream, 1, 10);
        expect(versions.map((event) => event.streamVersion)).toEqual([2, 3]);
        expect(await store.findEvent(log.tenant, versions[0]!.envelope.id)).toEqual(versions[0]);
        expect(await store.findEvent(log.tenant, randomUUID())).toBeUndefined();
        expect(await store.readStream(`${log.tenant}x`, stream, 0, 10)).toEqual([]);
      });
    });

    describe('identity', () => {
      it('answers a known id with its first position, and another body under it as a conflict', async () => {
        const log = sampleLog();
        const unit = single(log);
        await store.append(log, [single(log), unit]);
        const again = await store.append(log, [unit, single(log), single(log, { id: idOf(unit), fingerprint: HASHES[1] })]);
        expect(again).toEqual([{ kind: 'duplicate', log, position: 2 }, { kind: 'appended', position: 3, streamVersion: 1 }, { kind: 'conflict', log, position: 2 }]);
        expect(await store.findEvents(log.tenant, [idOf(unit), 'unknown'])).toEqual([{ id: idOf(unit), log, position: 2, fingerprint: Buffer.from(HASHES[0]!, 'hex') }]);
      });

      it('finds duplicates and conflicts within one batch', async () => {
        const log = sampleLog();
        const unit = single(log);
        expect(await store.append(log, [unit, unit, single(log, { id: idOf(unit), fingerprint: HASHES[2] })])).toEqual([
          { kind: 'appended', position: 1, streamVersion: 1 }, { kind: 'duplicate', log, position: 1 }, { kind: 'conflict', log, position: 1 },
        ]);
      });

      it('knows an id in every log of its tenant, and in no other tenant', async () => {
        const sales = sampleLog('sales');
        const inventory = { ...sales, context: 'inventory' as const };
        const unit = single(sales);
        await store.append(sales, [unit]);
        expect(await store.append(inventory, [single(inventory, { id: idOf(unit) })])).toEqual([{ kind: 'duplicate', log: sales, position: 1 }]);
        const other = sampleLog();
        expect(await store.append(other, [single(other, { id: idOf(unit), stream: unit.stream })])).toEqual([{ kind: 'appended', position: 1, streamVersion: 1 }]);
      });

      it('appends the same ids to two logs at once exactly once each', async () => {
        const sales = sampleLog('sales');
        const logs = [sales, { ...sales, context: 'inventory' as const }, { ...sales, shard: 1 }];
        const ids = Array.from({ length: 60 }, () => randomUUID());
        const rounds = await Promise.all(logs.map((log, n) => store.append(log, (n % 2 === 0 ? ids : ids.toReversed()).map((id) => single(log, { id })))));
        const kinds = rounds.flat().map((outcome) => outcome.kind);
        expect(kinds.filter((kind) => kind === 'appended')).toHaveLength(60);
        expect(kinds.filter((kind) => kind === 'duplicate')).toHaveLength(120);
      });
    });

    describe('expected versions', () => {
      it('refuses a wrong one, says the right one, and lets the neighbours pass', async () => {
        const log = sampleLog();
        const stream = newStream(log);
        await store.append(log, [unitOf(log, stream, 0, 2)]);
        const outcomes = await store.append(log, [single(log), unitOf(log, stream, 1, 2), unitOf(log, stream, 2, 1), unitOf(log, stream, 3, 1), unitOf(log, newStream(log), 1, 1)]);
        expect(outcomes).toEqual([
          { kind: 'appended', position: 3, streamVersion: 1 }, { kind: 'wrong-version', actualVersion: 2 }, { kind: 'wrong-version', actualVersion: 2 },
          { kind: 'appended', position: 4, streamVersion: 3 }, { kind: 'appended', position: 5, streamVersion: 4 }, { kind: 'wrong-version', actualVersion: 0 },
        ]);
      });

      it('lets exactly one of many writers of one version win', async () => {
        const log = sampleLog();
        const stream = newStream(log);
        const outcomes = (await Promise.all(Array.from({ length: 20 }, () => store.append(log, [unitOf(log, stream, 0, 1)])))).flat();
        expect(outcomes.filter((outcome) => outcome.kind === 'appended')).toHaveLength(1);
        expect(outcomes.filter((outcome) => outcome.kind === 'wrong-version' && outcome.actualVersion === 1)).toHaveLength(19);
      });

      it('answers a unit sent again as duplicate before it looks at the version, and skips what is new beside a known id', async () => {
        const log = sampleLog();
        const stream = newStream(log);
        const unit = unitOf(log, stream, 0, 2);
        await store.append(log, [unit]);
        expect((await store.append(log, [unit])).map((outcome) => outcome.kind)).toEqual(['duplicate', 'duplicate']);
        const mixed = { ...unit, events: [unit.events[0]!, sampleEvent(log, stream)] };
        expect((await store.append(log, [mixed])).map((outcome) => outcome.kind)).toEqual(['duplicate', 'skipped']);
        expect(await store.head(log)).toMatchObject({ position: 2 });
      });

      it('keeps a stream in its first log', async () => {
        const log = sampleLog();
        const other = { ...log, shard: 1 };
        const stream = newStream(log);
        await store.append(log, [single(log, { stream })]);
        await expect(store.append(other, [single(other), single(other, { stream })])).rejects.toMatchObject({ kind: 'conflict', code: 'stream-in-other-log', details: { log: 'sales/0' } });
        expect(await store.head(other)).toMatchObject({ position: 1 });
      });

      it('keeps the order in which one stream was appended to without waiting', async () => {
        const log = sampleLog();
        const stream = newStream(log);
        const units = Array.from({ length: 400 }, (_, n) => single(log, { stream, body: `${n}` }));
        await Promise.all(units.map((unit) => store.append(log, [unit, single(log)])));
        const events = await store.readStream(log.tenant, stream, 0, 1000);
        expect(events.map((event) => event.envelope.id)).toEqual(units.map(idOf));
      });
    });

    describe('epochs', () => {
      it('refuses what was decided before a renewal, then takes the new epoch', async () => {
        const log = sampleLog();
        await store.append(log, [single(log)]);
        const before = (await store.head(log))!.epoch;
        const after = await candidate.renewEpoch(log);
        expect(after).toBeGreaterThan(before);
        await expect(store.append(log, [single(log)], { epoch: before })).rejects.toMatchObject({ kind: 'conflict', code: 'epoch-renewed' });
        expect(await store.append(log, [single(log)], { epoch: after })).toEqual([{ kind: 'appended', position: 2, streamVersion: 1 }]);
        expect((await store.read(log, 1, 1))[0]!.epoch).toBe(after);
      });

      it('refuses a store that has not noticed the renewal once, and no longer', async () => {
        const log = sampleLog();
        await store.append(log, [single(log)]);
        await candidate.renewEpoch(log);
        await expect(store.append(log, [single(log)])).rejects.toMatchObject({ code: 'epoch-renewed' });
        expect(await store.append(log, [single(log)])).toMatchObject([{ position: 2 }]);
      });
    });

    describe('accounting', () => {
      it('counts what an intake append answered, and nothing else', async () => {
        const log = sampleLog();
        const unit = single(log, { via: 'web' });
        await store.recordReceipt(log.tenant, 'web', 3);
        await Promise.all([store.recordReceipt(log.tenant, 'web', 1), store.recordReceipt(log.tenant, 'pos', 2)]);
        await store.append(log, [unit, unit, single(log, { via: 'pos' })], { countAs: 'intake' });
        await store.append(log, [single(log, { id: idOf(unit), fingerprint: HASHES[1] })], { countAs: 'intake' });
        await store.append(log, [single(log)]);
        expect(await store.counts(log.tenant)).toEqual([
          { tenant: log.tenant, source: 'pos', received: 2, accepted: 1, duplicate: 0, rejected: 0, unanswered: 1 },
          { tenant: log.tenant, source: 'web', received: 4, accepted: 1, duplicate: 1, rejected: 1, unanswered: 1 },
        ]);
      });

      it('keeps a conflict among the rejects, once', async () => {
        const log = sampleLog();
        const unit = single(log);
        const conflicting = single(log, { id: idOf(unit), fingerprint: HASHES[1], body: 'second' });
        await store.append(log, [unit]);
        await store.append(log, [conflicting, conflicting], { countAs: 'intake' });
        expect(await store.listRejects(log.tenant, 10)).toMatchObject([{ eventId: idOf(unit), code: 'id-conflict', via: 'web', type: 'sales.order.placed', version: 1 }]);
        expect(await store.counts(log.tenant)).toMatchObject([{ rejected: 2, accepted: 0 }]);
      });

      it('keeps rejects once each, lists the newest first, and pages', async () => {
        const { tenant } = sampleLog();
        const reject = (n: number) => ({ tenant, via: 'web', rejectId: `r${n}`, eventId: 'bad\0id', pointer: '/data', code: 'wrong', reason: 'no\uD800', receivedAt: '2026-01-02T03:04:05.000Z', body: Buffer.from('sealed') });
        await store.recordRejects([reject(1), reject(2)]);
        await store.recordRejects([reject(2), reject(3)]);
        expect((await store.listRejects(tenant, 2)).map((one) => one.rejectId)).toEqual(['r3', 'r2']);
        expect(await store.listRejects(tenant, 9, 'r2')).toEqual([{ ...reject(1), eventId: 'bad\uFFFDid', reason: 'no\uFFFD', body: undefined }]);
        expect(await store.counts(tenant)).toMatchObject([{ source: 'web', rejected: 3 }]);
      });
    });

    describe('bounds', () => {
      const log = sampleLog();
      const stream = newStream(log);
      const withEnvelope = (change: Partial<Envelope>): AppendUnit => {
        const event = sampleEvent(log, stream);
        return { stream, expectedVersion: 'any', events: [{ ...event, envelope: { ...event.envelope, ...change } }] };
      };
      const withData = (data: Uint8Array): AppendUnit => ({ stream, expectedVersion: 'any', events: [{ ...sampleEvent(log, stream), data }] });

      it.each([
        ['one byte of data too many', 'event-too-large', () => withData(Buffer.alloc(512 * 1024 + 1, 'x'))],
        ['an envelope too large', 'event-too-large', () => withEnvelope({ subject: 'x'.repeat(16 * 1024) })],
        ['an id too long', 'id-too-long', () => withEnvelope({ id: 'é'.repeat(101) })],
        ['a stream name of 10 kB', 'stream-name-too-long', () => single(log, { stream: `sales.order/${'x'.repeat(10_000)}` })],
        ['NUL in the envelope', 'envelope-text-malformed', () => withEnvelope({ id: 'a\0b' })],
        ['a lone surrogate', 'envelope-text-malformed', () => withEnvelope({ subject: '\uD800' })],
        ['a NUL byte in the data', 'data-malformed', () => withData(Buffer.of(0x22, 0, 0x22))],
        ['another tenant', 'envelope-mismatch', () => withEnvelope({ tenant: 'other' })],
        ['another context', 'envelope-mismatch', () => withEnvelope({ type: 'inventory.stock.counted' })],
        ['a stream of another context', 'envelope-mismatch', () => single(log, { stream: 'inventory.stock/1' })],
        ['a malformed fingerprint', 'fingerprint-malformed', () => withEnvelope({ fingerprint: 'zz' })],
        ['a negative expected version', 'expected-version-malformed', () => ({ ...single(log), expectedVersion: -1 })],
        ['an id twice in one unit', 'id-repeated', () => { const unit = single(log); return { ...unit, events: [unit.events[0]!, unit.events[0]!] }; }],
      ])('refuses %s', async (_what, code, unit) => {
        await expect(store.append(log, [unit()])).rejects.toMatchObject({ kind: 'invalid', code });
        expect(await store.head(log)).toBeUndefined();
      });

      it('takes an event of exactly the largest size', async () => {
        const own = sampleLog();
        const unit = single(own);
        const data = Buffer.alloc(512 * 1024, 'x');
        await store.append(own, [{ ...unit, events: [{ ...unit.events[0]!, data }] }]);
        expect(Buffer.compare((await store.read(own, 0, 1))[0]!.data, data)).toBe(0);
      });
    });
  });
};
