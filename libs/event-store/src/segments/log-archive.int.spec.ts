import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { copyFile, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogKey, StoredEvent } from '@millrace/kernel';
import { newStream, sampleEvent, sampleLog, single } from '../event-store.conformance.ts';
import { PgEventStore } from '../index.ts';
import { GrantedDatabase } from '../testing.ts';
import { duckdb } from './duckdb.ts';

let database: GrantedDatabase;
let writer: string;
let relay: string;
let dir: string;
let store: PgEventStore;
beforeAll(async () => {
  database = await GrantedDatabase.make();
  [writer = '', relay = ''] = await database.grant({ appends: ['sales'], reads: ['sales'], relay: false }, { appends: ['backbone'], reads: [], relay: true });
});
afterAll(() => database.drop());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-segments-'));
  store = database.store(writer, { segmentsDir: dir });
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const archiving = () => database.store(relay, { segmentsDir: dir }).archive();
/** As the ledger would, once a witness has cosigned. */
const cosign = (log: LogKey, size: number) => database.owner(`INSERT INTO millrace.ledger_checkpoint (tenant, context, shard, epoch, size, root, note, cosigned)
  SELECT tenant, context, shard, epoch, $2, sha256(''), 'spec', true FROM millrace.log_head WHERE tenant = $1 ON CONFLICT DO NOTHING`, [log.tenant, size]);
const SUBJECT = `sub_${'7'.repeat(32)}`;

/** A log of `events` events, every fifth of another type and subject, all in two streams. */
const filledLog = async (events: number): Promise<{ log: LogKey; streams: string[]; whole: StoredEvent[] }> => {
  const log = sampleLog();
  const streams = [newStream(log), newStream(log)];
  for (let n = 0; n < events; n += 1) {
    const stream = streams[n % 2]!;
    const event = sampleEvent(log, stream, { body: `Ünïcode ✓ ${n} ${'x'.repeat(n % 7 === 0 ? 5000 : 10)}` });
    await store.append(log, [{ stream, expectedVersion: 'any', events: [n % 5 === 0 ? { ...event, envelope: { ...event.envelope, type: 'sales.order.cancelled', subject: SUBJECT } } : event] }]);
  }
  return { log, streams, whole: await store.read(log, 0, 10_000) };
};
const archiveThrough = async (log: LogKey, through: number, segmentEvents = 10): Promise<void> => {
  const archive = archiving();
  for (let segment = await archive.next(log, { through, segmentEvents }); segment !== undefined; segment = await archive.next(log, { through, segmentEvents })) await archive.thin(segment);
};
const thinRows = async (log: LogKey): Promise<number> => (await database.owner<{ n: number }>('SELECT count(*)::integer AS n FROM millrace.event WHERE tenant = $1 AND envelope IS NULL AND data IS NULL AND salt IS NULL', [log.tenant]))[0]!.n;
const bytes = (events: readonly StoredEvent[]): unknown[] => events.map((event) => [event.position, event.streamVersion, event.epoch, ...[event.envelopeBytes, event.data, event.salt, event.leaf].map((part) => Buffer.from(part).toString('base64'))]);

describe('an archived range', () => {
  it('reads as before by every door, byte for byte', async () => {
    const { log, streams, whole } = await filledLog(37);
    await cosign(log, 30);
    const before = {
      stream: await store.readStream(log.tenant, streams[1]!, 0, 100), one: await store.findEvent(log.tenant, whole[4]!.envelope.id), known: await store.findEvents(log.tenant, whole.map((event) => event.envelope.id)),
      mark: await store.mark(log, 7), head: await store.head(log), filtered: await store.readPage(log, { after: 0, limit: 100, type: 'sales.order.cancelled', subject: SUBJECT }),
    };
    await archiveThrough(log, 25);
    expect(await thinRows(log)).toBe(25);
    expect(bytes(await store.read(log, 0, 10_000))).toEqual(bytes(whole));
    expect(bytes(await store.read(log, 23, 5))).toEqual(bytes(whole.slice(23, 28)));
    expect(bytes(await store.readStream(log.tenant, streams[1]!, 0, 100))).toEqual(bytes(before.stream));
    expect(bytes([(await store.findEvent(log.tenant, whole[4]!.envelope.id))!])).toEqual(bytes([before.one!]));
    expect(await store.findEvents(log.tenant, whole.map((event) => event.envelope.id))).toEqual(before.known);
    expect([await store.mark(log, 7), await store.head(log)]).toEqual([before.mark, before.head]);
    const filtered = await store.readPage(log, { after: 0, limit: 100, type: 'sales.order.cancelled', subject: SUBJECT });
    expect([bytes(filtered.events), filtered.through]).toEqual([bytes(before.filtered.events), 37]);
    expect((await store.readPage(log, { after: 5, limit: 2, subject: SUBJECT })).events.map((event) => event.position)).toEqual([6, 11]);
    const paged: StoredEvent[] = [];
    for await (const page of store.pages(log, { after: 0, limit: 4, maxBytes: 6000 })) paged.push(...page.events);
    expect(bytes(paged)).toEqual(bytes(whole));
    expect(paged.map((event) => event.envelope)).toEqual(whole.map((event) => event.envelope));
  });

  it('goes on refusing what it holds, counts on, and keeps both bodies of a conflict', async () => {
    const { log, streams, whole } = await filledLog(12);
    await cosign(log, 12);
    await archiveThrough(log, 12);
    const again = { stream: streams[0]!, expectedVersion: 'any' as const, events: [{ envelope: whole[2]!.envelope, data: whole[2]!.data }] };
    expect(await store.append(log, [again])).toEqual([{ kind: 'duplicate', log, position: 3 }]);
    const other = { ...again, events: [{ envelope: { ...whole[2]!.envelope, fingerprint: 'e'.repeat(64) }, data: Buffer.from('{"body":"other"}') }] };
    expect(await store.append(log, [other], { countAs: 'intake' })).toEqual([{ kind: 'conflict', log, position: 3 }]);
    expect(await store.append(log, [{ ...single(log, { stream: streams[0]! }), expectedVersion: 5 }])).toEqual([{ kind: 'wrong-version', actualVersion: 6 }]);
    expect(await store.append(log, [{ ...single(log, { stream: streams[0]! }), expectedVersion: 6 }])).toEqual([{ kind: 'appended', position: 13, streamVersion: 7 }]);
    const [reject] = await store.listRejects(log.tenant, 1);
    const bodies = await database.store(relay, { segmentsDir: dir }).rejectBodies(log.tenant, reject!.rejectId);
    expect([Buffer.from(bodies!.body).toString(), Buffer.from(bodies!.firstBody!)]).toEqual(['{"body":"other"}', Buffer.from(whole[2]!.data)]);
    await expect(store.rejectBodies(log.tenant, reject!.rejectId)).rejects.toMatchObject({ code: 'not-granted' });
  });

  it('stands in files of its owner alone, named by their hash, that any Parquet reader opens', async () => {
    const { log } = await filledLog(25);
    await cosign(log, 25);
    await archiveThrough(log, 25);
    const names = await readdir(dir);
    expect(names).toHaveLength(3);
    expect(names.every((name) => /^[0-9a-f]{64}\.parquet$/.test(name))).toBe(true);
    expect((await stat(join(dir, names[0]!))).mode & 0o777).toBe(0o600);
    expect((await readFile(join(dir, names[0]!))).subarray(0, 4).toString()).toBe('PAR1');
  });

  it('can not be read without its folder, and says so', async () => {
    const { log } = await filledLog(3);
    await cosign(log, 3);
    await archiveThrough(log, 2);
    const without = database.store(writer);
    await expect(without.read(log, 0, 10)).rejects.toMatchObject({ kind: 'unavailable', code: 'segments-not-configured', details: { log: 'sales/0', from: 1, to: 2 } });
    expect(await without.read(log, 2, 10)).toHaveLength(1);
    expect(() => without.archive()).toThrow(expect.objectContaining({ code: 'segments-not-configured' }));
  });
});

describe('archiving is refused', () => {
  it('beyond the last cosigned checkpoint of the epoch, and beyond the head', async () => {
    const { log } = await filledLog(8);
    await expect(archiving().next(log, { through: 1 })).rejects.toMatchObject({ kind: 'conflict', code: 'archive-unproven', details: { provenThrough: 0 } });
    await cosign(log, 5);
    await database.owner(`INSERT INTO millrace.ledger_checkpoint (tenant, context, shard, epoch, size, root, note) SELECT tenant, context, shard, epoch, 8, sha256(''), 'alone' FROM millrace.log_head WHERE tenant = $1`, [log.tenant]);
    await expect(archiving().next(log, { through: 6 })).rejects.toMatchObject({ code: 'archive-unproven', details: { provenThrough: 5 } });
    await expect(archiving().next(log, { through: 9 })).rejects.toMatchObject({ kind: 'invalid', code: 'archive-beyond-head' });
    await expect(archiving().next(sampleLog(), { through: 1 })).rejects.toMatchObject({ kind: 'not-found', code: 'log-unknown' });
    expect(await archiving().next(log, { through: 5 })).toMatchObject({ from: 1, to: 5 });
    const client = await database.client(relay);
    await expect(client.query('SELECT millrace.register_segment($1, $2, 0, 6, 7, $3, 9)', [log.tenant, 'sales', Buffer.alloc(32)])).rejects.toMatchObject({ code: 'MR008' });
  });

  it('to everybody but the relaying service', async () => {
    const { log } = await filledLog(2);
    const client = await database.client(writer);
    for (const call of ['archive_limit($1, $2, 0)', 'register_segment($1, $2, 0, 1, 1, NULL, 1)', 'thin_events($1, $2, 0, 1, 1, NULL)']) await expect(client.query(`SELECT millrace.${call}`, [log.tenant, 'sales'])).rejects.toMatchObject({ code: '42501' });
    await expect(client.query('SELECT * FROM millrace.segment')).rejects.toMatchObject({ code: '42501' });
  });

  it('where the log has a hole, and nothing changes', async () => {
    const { log } = await filledLog(6);
    await cosign(log, 6);
    await database.owner('DELETE FROM millrace.event WHERE tenant = $1 AND position = 4', [log.tenant]);
    await expect(archiving().next(log, { through: 6 })).rejects.toMatchObject({ code: 'log-gap', details: { position: 4 } });
    expect([await readdir(dir), await thinRows(log)]).toEqual([[], 0]);
  });

  it('to a second run: it takes up where the first is', async () => {
    const { log } = await filledLog(20);
    await cosign(log, 20);
    const runs = await Promise.allSettled([archiving().next(log, { through: 20 }), archiving().next(log, { through: 20 })]);
    const codes = runs.map((run) => (run.status === 'fulfilled' ? 'done' : (run.reason as { code: string }).code)).toSorted();
    expect([['archive-contended', 'done'], ['done', 'done']]).toContainEqual(codes);
    expect((await archiving().standing(log)).archivedThrough).toBe(20);
  });
});

describe('a run that was killed', () => {
  it('after the manifest: rows and segment both serve, and the next run thins on', async () => {
    const { log, whole } = await filledLog(30);
    await cosign(log, 30);
    await archiving().next(log, { through: 20, segmentEvents: 20 });
    expect([await thinRows(log), bytes(await store.read(log, 0, 100))]).toEqual([0, bytes(whole)]);
    const unfinished = await archiving().unfinished(log);
    expect(unfinished).toMatchObject({ from: 1, to: 20, thinnedThrough: 0 });
    const client = await database.client(relay);
    const archive = archiving();
    await archive.thin({ ...unfinished!, to: 20 });
    await archive.thin(unfinished!);
    expect([await thinRows(log), await archive.unfinished(log)]).toEqual([20, undefined]);
    expect(bytes(await store.read(log, 0, 100))).toEqual(bytes(whole));
    await expect(client.query('SELECT millrace.thin_events($1, $2, 0, 25, 26, NULL)', [log.tenant, 'sales'])).rejects.toMatchObject({ code: 'MR007' });
  });

  it('before the manifest: its files are collected once they are old, others stay', async () => {
    const { log, whole } = await filledLog(5);
    await cosign(log, 5);
    await archiveThrough(log, 5);
    const [kept = ''] = await readdir(dir);
    await copyFile(join(dir, kept), join(dir, `${'0'.repeat(64)}.parquet`));
    await writeFile(join(dir, `.${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}.part`), 'half');
    await writeFile(join(dir, 'notes.txt'), 'not ours');
    expect(await archiving().collectOrphans()).toBe(0);
    for (const name of await readdir(dir)) await utimes(join(dir, name), 0, 0);
    expect(await archiving().collectOrphans()).toBe(2);
    expect((await readdir(dir)).toSorted()).toEqual([kept, 'notes.txt'].toSorted());
    expect(bytes(await store.read(log, 0, 10))).toEqual(bytes(whole));
  });

  it('thins nothing that was changed after the segment was written', async () => {
    const { log } = await filledLog(4);
    await cosign(log, 4);
    const segment = await archiving().next(log, { through: 4 });
    await database.owner(`UPDATE millrace.event SET data = '{}' WHERE tenant = $1 AND position = 2`, [log.tenant]);
    await expect(archiving().thin(segment!)).rejects.toMatchObject({ kind: 'conflict', code: 'segment-differs' });
    expect(await thinRows(log)).toBe(0);
  });
});

describe('an archived event that is redacted', () => {
  /** As the redactor does it; see the backbone's specs for who may. */
  const redactRow = async (log: LogKey, position: number): Promise<void> => {
    await database.owner(`UPDATE millrace.event SET data_digest = sha256(salt || data), data = '{"$redacted":true}', salt = decode(repeat('00', 16), 'hex') WHERE tenant = $1 AND position = $2 AND data IS NOT NULL`, [log.tenant, position]);
    await database.owner(`INSERT INTO millrace.redaction (tenant, context, shard, position, event_id, fact_id) VALUES ($1, 'sales', 0, $2, 'e', 'f')`, [log.tenant, position]);
  };
  const holds = async (text: string): Promise<boolean> => {
    const files = (await readdir(dir)).map((name) => `'${join(dir, name)}'`);
    const found = await (await duckdb()).run(`SELECT count(*) FROM read_parquet([${files.join(', ')}]) WHERE contains(decode(data), '${text}')`);
    return Number((await found.getRows())[0]?.[0]) > 0;
  };
  const archivedLog = async () => {
    const { log, whole } = await filledLog(14);
    await cosign(log, 14);
    await archiveThrough(log, 12, 6);
    return { log, whole };
  };

  it('gets its body back once, gives it up, and its segment follows; all others read as before', async () => {
    const { log, whole } = await archivedLog();
    const archive = archiving();
    const early = database.store(writer, { segmentsDir: dir });
    expect(bytes(await early.read(log, 0, 100))).toEqual(bytes(whole));
    const names = new Set(await readdir(dir));
    expect([await archive.refill(log, 3), await archive.refill(log, 3), await archive.refill(log, 14), await thinRows(log)]).toEqual([true, false, false, 11]);
    expect(await archive.redact(log, 3)).toBeUndefined();
    expect(bytes(await store.read(log, 0, 100))).toEqual(bytes(whole));

    await redactRow(log, 3);
    expect(Buffer.from((await early.read(log, 2, 1))[0]!.data).toString()).toBe('{"$redacted":true}');
    expect(await holds('Ünïcode ✓ 2 ')).toBe(true);
    const replaced = await archive.redact(log, 3);
    expect(replaced).toMatchObject({ from: 1, to: 6, thinnedThrough: 6 });
    expect(await holds('Ünïcode ✓ 2 ')).toBe(false);
    expect(names.has(`${replaced!.sha256}.parquet`)).toBe(false);
    expect(await readdir(dir)).toHaveLength(names.size);
    expect(await archive.redact(log, 3)).toBeUndefined();
    // A reader that knew the old manifest, and one that doesn't.
    for (const reader of [early, database.store(writer, { segmentsDir: dir })]) {
      const read = await reader.read(log, 0, 100);
      expect(bytes(read.filter(({ position }) => position !== 3))).toEqual(bytes(whole.filter(({ position }) => position !== 3)));
      expect(Buffer.from(read[2]!.data).toString()).toBe('{"$redacted":true}');
      expect((await reader.readPage(log, { after: 0, limit: 50, subject: SUBJECT })).events.map(({ position }) => position)).toEqual([1, 6, 11]);
    }
  });

  it('redacted between the segment and its thinning no longer stops the thinning', async () => {
    const { log } = await filledLog(6);
    await cosign(log, 6);
    const archive = archiving();
    const segment = (await archive.next(log, { through: 6 }))!;
    await redactRow(log, 2);
    await expect(archive.thin(segment)).rejects.toMatchObject({ code: 'segment-differs' });
    await archive.redact(log, 2);
    await archive.thin((await archive.unfinished(log))!);
    expect(await thinRows(log)).toBe(6);
    expect(Buffer.from((await store.read(log, 1, 1))[0]!.data).toString()).toBe('{"$redacted":true}');
    expect(await archive.refill(log, 2)).toBe(false);
  });

  it('takes no other body than its own, and no other file without a redaction that explains it', async () => {
    const { log } = await archivedLog();
    const put = (data: string) => database.owner(`SELECT millrace.refill_event($1, 'sales', 0, 3, '\\x00', '{}', $2) AS done`, [log.tenant, Buffer.from(data)]);
    expect(await put('{}')).toEqual([{ done: false }]);
    const segments = await database.owner<{ sha256: Buffer }>('SELECT sha256 FROM millrace.segment WHERE tenant = $1 ORDER BY from_position', [log.tenant]);
    const replace = (old: Buffer) => database.owner(`SELECT millrace.replace_segment($1, 'sales', 0, 1, $2, sha256('new'), 1)`, [log.tenant, old]);
    await expect(replace(segments[1]!.sha256)).rejects.toMatchObject({ code: 'MR007' });
    await expect(replace(segments[0]!.sha256)).rejects.toMatchObject({ code: 'MR012' });
    expect(await thinRows(log)).toBe(12);
  });
});

describe('a segment file', () => {
  const archived = async (): Promise<{ log: LogKey; file: string; sha256: string }> => {
    const { log } = await filledLog(6);
    await cosign(log, 6);
    await archiveThrough(log, 6);
    const [name = ''] = await readdir(dir);
    return { log, file: join(dir, name), sha256: name.slice(0, 64) };
  };
  const fault = (code: string, sha256: string): unknown => expect.objectContaining({ code, details: { log: 'sales/0', from: 1, to: 6, segment: sha256 } });

  it('that is missing is named, with its range', async () => {
    const { log, file, sha256 } = await archived();
    await rm(file);
    await expect(store.read(log, 0, 10)).rejects.toEqual(fault('segment-missing', sha256));
    await expect(store.readPage(log, { after: 0, limit: 1, subject: SUBJECT })).rejects.toEqual(fault('segment-missing', sha256));
  });

  it('that is truncated is named', async () => {
    const { log, file, sha256 } = await archived();
    await truncate(file, (await stat(file)).size - 1);
    await expect(store.read(log, 0, 10)).rejects.toEqual(fault('segment-truncated', sha256));
  });

  it('of which any bit was flipped is named, also when it had been read before', async () => {
    const { log, file, sha256 } = await archived();
    const good = await readFile(file);
    const { atime, mtime } = await stat(file);
    expect(await store.read(log, 0, 10)).toHaveLength(6);
    for (const at of [4, Math.floor(good.length / 2), good.length - 5]) {
      const bad = Buffer.from(good);
      bad[at]! ^= 1;
      await writeFile(file, bad);
      await utimes(file, atime, mtime);
      await expect(store.read(log, 0, 10)).rejects.toEqual(fault('segment-altered', sha256));
    }
    await writeFile(file, good);
    expect(await store.read(log, 0, 10)).toHaveLength(6);
  });

  it('swapped for another one of the manifest is not believed', async () => {
    const { log } = await archived();
    await database.owner(`UPDATE millrace.event SET leaf = sha256('forged') WHERE tenant = $1 AND position = 3`, [log.tenant]);
    await expect(store.read(log, 0, 10)).rejects.toMatchObject({ code: 'segment-differs', message: expect.stringContaining('position 3') });
  });

  it('is found by the manifest as it stands now, not as it stood when it was read before', async () => {
    const { log } = await archived();
    expect(await store.read(log, 0, 10)).toHaveLength(6);
    // A forger's file would be whole and stand in the manifest under its own hash: whoever kept the manifest would go on reading the true one.
    await database.owner(`UPDATE millrace.segment SET sha256 = sha256('a forged file') WHERE tenant = $1`, [log.tenant]);
    await expect(store.read(log, 0, 10)).rejects.toMatchObject({ code: 'segment-missing' });
    await expect(store.readPage(log, { after: 0, limit: 10, type: 'sales.order.placed' })).rejects.toMatchObject({ code: 'segment-missing' });
  });
});
