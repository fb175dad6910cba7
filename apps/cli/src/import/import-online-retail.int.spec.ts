import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { DomainError } from '@millrace/kernel';
import { checkData, checkWireEvent, findContract, type WireEvent } from '@millrace/contracts';
import type { LogHeads } from './import-journal.ts';
import { importOnlineRetail, type ImportOptions, type ImportReport } from './import-online-retail.ts';
import { importSummary } from './import-summary.ts';

const KEY = 'msk_spec';

/**
 * A server that speaks the documented answers of POST /v1/events, checks events by their contracts and knows ids. The real intake
 * is behind the same address in the end-to-end run; here faults must be placed exactly.
 */
class ScriptedPeer {
  readonly stored = new Map<string, { position: number; event: WireEvent }>();
  readonly batches: WireEvent[][] = [];
  /** Taken before each answer; true = it has answered (or broken off) itself. */
  faults: ((request: IncomingMessage, response: ServerResponse, commit: () => void) => boolean)[] = [];
  epoch = 1;
  private readonly server: Server = createServer((request, response) => void this.serve(request, response));

  async start(): Promise<void> {
    await new Promise<void>((done) => { this.server.listen(0, '127.0.0.1', done); });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** One position counts for all logs here. */
  heads(): LogHeads {
    const logs = ['sales/0', 'merchandise/0', 'customer/0'];
    return new Map(this.stored.size === 0 ? [] : logs.map((log) => [log, { epoch: this.epoch, head: this.stored.size }]));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => { this.server.close(done); });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const events = JSON.parse(Buffer.concat(chunks).toString()) as WireEvent[];
    if (request.headers['content-type'] !== 'application/cloudevents-batch+json' || request.url !== '/v1/events') return void response.writeHead(415).end();
    if (request.headers.authorization !== `Bearer ${KEY}`) return void response.writeHead(403, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ title: 'Forbidden', detail: 'this key may not send', code: 'source-key-unknown' }));
    if (this.faults.shift()?.(request, response, () => this.commit(events)) === true) return;
    this.batches.push(events);
    const outcomes = this.commit(events);
    response.writeHead(202, { 'content-type': 'application/json' }).end(JSON.stringify({ outcomes, dropped: 0 }));
  }

  private commit(events: readonly WireEvent[]): unknown[] {
    return events.map((event, index) => {
      const contract = findContract(event.type, event.version ?? 1);
      const check = contract === undefined ? undefined : checkData(contract, event.data);
      if (!checkWireEvent(event).ok || check?.ok !== true) return { index, id: event.id, outcome: 'rejected', pointer: '/data', code: 'contract-violated', reason: 'does not fit' };
      const known = this.stored.get(event.id);
      if (known !== undefined && !isDeepStrictEqual(known.event, event)) return { index, id: event.id, outcome: 'rejected', pointer: '/id', code: 'id-conflict', reason: 'stored with other content' };
      const position = known?.position ?? this.stored.size + 1;
      if (known === undefined) this.stored.set(event.id, { position, event });
      return { index, id: event.id, outcome: known === undefined ? 'accepted' : 'duplicate', log: `${contract?.context}/0`, position };
    });
  }
}

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
const INVOICES = 3000;
/** Three thousand invoices of two lines; every second customer moves once. */
const content = `${HEADER}\n${Array.from({ length: INVOICES }, (_, i) => {
  const head = `${536_365 + i}`;
  const tail = `2010-12-01 08:26:00,2.55,${i % 7 === 0 ? '' : 10_000 + (i % 500)},${i < 1500 || i % 2 === 0 ? 'France' : 'Spain'}`;
  return `${head},${10_000 + (i % 100)},A thing of ${'some '.repeat(20)}length,6,${tail}\n${head},POST,POSTAGE,1,${tail}\n`;
}).join('')}`;

let folder = '';
let file = '';
let peer: ScriptedPeer;
let journals = 0;
let waits: number[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-import-'));
  file = join(folder, 'retail.csv');
  await writeFile(file, content);
});
beforeEach(async () => {
  peer = new ScriptedPeer();
  waits = [];
  await peer.start();
});
afterEach(async () => { await peer.stop(); });
afterAll(async () => { await rm(folder, { recursive: true }); });

const run = (change: Partial<ImportOptions> = {}): Promise<ImportReport> =>
  importOnlineRetail({ file, ingestionUrl: peer.url, sourceKey: KEY, heads: () => Promise.resolve(peer.heads()), wait: (ms) => { waits.push(ms); return Promise.resolve(); }, ...change });
interface JournalLine { readonly id: string; readonly outcome: string; readonly position: number; readonly log: string; readonly epoch?: number; readonly digest?: string }
const freshJournal = (): string => join(folder, `${journals++}.journal.jsonl`);
const journalled = async (path: string): Promise<JournalLine[]> =>
  (await readFile(path, 'utf8')).split('\n').slice(0, -1).map((line) => JSON.parse(line) as JournalLine);
const failureOf = async (running: Promise<unknown>): Promise<DomainError> => {
  const error: unknown = await running.then(() => undefined, (e: unknown) => e);
  if (error instanceof DomainError) return error;
  throw new Error(`expected a DomainError, got ${String(error)}`);
};

describe('an import', () => {
  it('stores every event once and reports it', async () => {
    const report = await run({ journalFile: freshJournal() });
    expect(report).toMatchObject({ invoices: INVOICES, lines: 2 * INVOICES, sentLines: 2 * INVOICES, accepted: report.events, duplicate: 0, rejected: 0, alreadyStored: 0, retries: 0, requests: peer.batches.length });
    expect(peer.stored.size).toBe(report.events);
    expect([...peer.stored.values()].filter(({ event }) => event.type === 'sales.order.placed')).toHaveLength(INVOICES);
    expect(report.linesPerSecond).toBeGreaterThan(0);
  });
  it('sends at most 500 events and a mebibyte at a time', async () => {
    await run();
    for (const batch of peer.batches) {
      expect(batch.length).toBeLessThanOrEqual(500);
      expect(Buffer.byteLength(JSON.stringify(batch))).toBeLessThanOrEqual(1024 * 1024);
    }
    expect(peer.batches.length).toBeLessThan(40);
  });
  it('keeps the order within each stream', async () => {
    await run();
    const seen = new Map<string, string[]>();
    for (const { event } of peer.stored.values()) {
      const customer = event.data.customer as { number: string } | undefined;
      if (event.type.startsWith('customer.')) seen.set(customer?.number ?? '', [...(seen.get(customer?.number ?? '') ?? []), event.type]);
    }
    const histories = [...seen.values()];
    expect(histories.filter(([first]) => first !== 'customer.profile.registered')).toEqual([]);
    expect(histories.filter((history) => history.includes('customer.contact.changed')).length).toBeGreaterThan(100);
  });
  it('writes each answer to its journal, at the position it was given', async () => {
    const journalFile = freshJournal();
    await run({ journalFile });
    const entries = await journalled(journalFile);
    expect(entries).toHaveLength(peer.stored.size);
    expect(entries.filter(({ id, position }) => peer.stored.get(id)?.position !== position)).toEqual([]);
  });
  it('run again sends nothing that its journal has', async () => {
    const journalFile = freshJournal();
    const first = await run({ journalFile });
    const batches = peer.batches.length;
    expect(await run({ journalFile })).toMatchObject({ accepted: 0, duplicate: 0, alreadyStored: first.events, sentLines: 0, requests: 0 });
    expect(peer.batches).toHaveLength(batches);
  });
  it('of a file that grew says which invoices were stored with fewer lines', async () => {
    const journalFile = freshJournal();
    const part = join(folder, 'part.csv');
    await writeFile(part, `${content.split('\n').slice(0, 1 + 2999).join('\n')}\n`); // the last invoice loses its second line
    await run({ file: part, journalFile });
    const report = await run({ journalFile });
    expect(report).toMatchObject({ rejected: 1, conflicts: 1, duplicate: 0, rejects: [{ code: 'id-conflict' }] });
    expect(report.accepted + report.alreadyStored + 1).toBe(report.events);
    expect(await run({ journalFile })).toMatchObject({ accepted: 0, rejected: 1, conflicts: 1, alreadyStored: report.events - 1 });
  });
  it('of a file in which one quantity changed says so, and the first file again is known', async () => {
    const journalFile = freshJournal();
    const changed = join(folder, 'changed.csv');
    await writeFile(changed, content.replace('length,6,', 'length,600,'));
    const { events } = await run({ journalFile });
    expect(await run({ file: changed, journalFile })).toMatchObject({ accepted: 0, rejected: 1, conflicts: 1, alreadyStored: events - 1 });
    expect(await run({ journalFile })).toMatchObject({ rejected: 0, alreadyStored: events, requests: 0 });
  });
  it('run again after the log was restored or renewed sends what the log may have lost', async () => {
    const journalFile = freshJournal();
    const { events } = await run({ journalFile });
    for (const [id, { position }] of peer.stored) if (position > 100) peer.stored.delete(id);
    expect(await run({ journalFile })).toMatchObject({ accepted: events - 100, alreadyStored: 100 });
    peer.epoch = 2;
    expect(await run({ journalFile })).toMatchObject({ accepted: 0, duplicate: events, alreadyStored: 0 });
    expect(await run({ journalFile })).toMatchObject({ alreadyStored: events });
  });
  it('run again with a journal of an older build, or with nobody to tell the heads, gets duplicates', async () => {
    const journalFile = freshJournal();
    const { events } = await run({ journalFile, heads: () => Promise.reject(new Error('away')) });
    expect((await journalled(journalFile)).filter((line) => 'epoch' in line)).toEqual([]);
    expect(await run({ journalFile })).toMatchObject({ accepted: 0, duplicate: events, rejected: 0 });
    expect(await run({ journalFile })).toMatchObject({ alreadyStored: events });
  });
  it('keeps no hash that a customer number could be guessed from', async () => {
    const journalFile = freshJournal();
    await run({ journalFile });
    const sent = [...peer.stored.values()].map(({ event }) => createHash('sha256').update(JSON.stringify(event)).digest('hex').slice(0, 16));
    const kept = new Set((await journalled(journalFile)).map(({ digest }) => digest));
    expect(kept.size).toBe(sent.length);
    expect(sent.filter((digest) => kept.has(digest))).toEqual([]);
  });
  it('run again without the journal gets duplicates and adds nothing', async () => {
    const { events } = await run();
    expect(await run()).toMatchObject({ accepted: 0, duplicate: events, rejected: 0 });
    expect(peer.stored.size).toBe(events);
  });
});

describe('trouble on the way', () => {
  const breakOff = (_request: IncomingMessage, response: ServerResponse): boolean => { response.destroy(); return true; };
  const answer = (status: number, headers: Record<string, string> = {}, body = '') => (_request: IncomingMessage, response: ServerResponse): boolean => { response.writeHead(status, headers).end(body); return true; };

  it('is waited out: a broken connection, 503, 429, 500, an answer cut short, an empty one', async () => {
    peer.faults = [breakOff, answer(503), answer(500), answer(202, {}, '{"outcomes":[{"ind'), answer(202, {}, '{"outcomes":[]}'), answer(429)];
    const report = await run();
    expect(report).toMatchObject({ accepted: report.events, retries: 6, rejected: 0 });
    expect(waits).toHaveLength(6);
  });
  it('makes what was stored without an answer come back as duplicate', async () => {
    const journalFile = freshJournal();
    peer.faults = [(_request, response, commit) => { commit(); response.destroy(); return true; }];
    const report = await run({ journalFile });
    expect(report.duplicate).toBeGreaterThan(0);
    expect(report.accepted + report.duplicate).toBe(report.events);
    expect(peer.stored.size).toBe(report.events);
    expect(await journalled(journalFile)).toHaveLength(report.events);
  });
  it('is waited for as long as the intake asks, in seconds or until a date', async () => {
    peer.faults = [answer(503, { 'retry-after': '7' }), answer(429, { 'retry-after': new Date(Date.now() - 5000).toUTCString() }), answer(503, { 'retry-after': '999999' })];
    await run({ lanes: 1 });
    expect(waits).toEqual([7000, 0, 120_000]);
  });
  it('backs off longer each time, up to ten seconds', async () => {
    peer.faults = Array.from({ length: 10 }, () => answer(503));
    await run({ lanes: 1 });
    expect(waits.every((ms, i) => ms >= Math.min(100 * 2 ** i, 5000) && ms <= Math.min(200 * 2 ** i, 10_000))).toBe(true);
    expect(waits).toHaveLength(10);
  });
  it('ends the import at the stated limit, and the next run goes on', async () => {
    const journalFile = freshJournal();
    peer.faults = [() => false, () => false, ...Array.from({ length: 40 }, () => breakOff)];
    const failure = await failureOf(run({ journalFile, giveUpAfterMs: 0 }));
    expect(failure).toMatchObject({ kind: 'unavailable', code: 'intake-unreachable', message: expect.stringContaining('goes on where it stopped') });
    const before = (await journalled(journalFile)).length;
    peer.faults = [];
    const report = await run({ journalFile });
    expect(report.alreadyStored).toBe(before);
    expect(peer.stored.size).toBe(report.events);
    expect(report.accepted + report.duplicate + report.alreadyStored).toBe(report.events);
  });
  it('with a wrong key ends at once with the intake\'s own words', async () => {
    expect(await failureOf(run({ sourceKey: 'msk_other' }))).toMatchObject({ code: 'import-refused', message: expect.stringContaining('this key may not send') });
    expect(waits).toEqual([]);
  });
  it('with nobody listening ends with one clear error', async () => {
    const nobody = new ScriptedPeer();
    await nobody.start();
    const { url } = nobody;
    await nobody.stop();
    expect(await failureOf(run({ ingestionUrl: url, giveUpAfterMs: 0 }))).toMatchObject({ code: 'intake-unreachable', message: expect.stringContaining('ECONNREFUSED') });
  });
  it('reports rejects without stopping, and tries them again next time', async () => {
    const journalFile = freshJournal();
    const refuse = (request: IncomingMessage, response: ServerResponse): boolean => answer(422, {}, JSON.stringify({ outcomes: JSON.parse(`[${'{"outcome":"rejected","pointer":"/time","code":"time-too-old","reason":"too old"},'.repeat(500).slice(0, -1)}]`) }))(request, response);
    const small = join(folder, 'five-hundred.csv');
    await writeFile(small, `${HEADER}\n${Array.from({ length: 499 }, (_, i) => `${i},22423,CAKESTAND,1,2011-01-04 10:00:00,12.75,,Spain\n`).join('')}`);
    peer.faults = [refuse];
    const report = await run({ file: small, journalFile, lanes: 1 });
    expect(report).toMatchObject({ accepted: 0, rejected: 500, rejects: { length: 20 } });
    expect(importSummary(report)).toContain('time-too-old: too old');
    expect(await run({ file: small, journalFile, lanes: 1 })).toMatchObject({ accepted: 500, rejected: 0, alreadyStored: 0 });
  });
  it('is a bad file: nothing is sent', async () => {
    const bad = join(folder, 'bad.csv');
    await writeFile(bad, content.replace(/2\.55(?=[^]*$)/, 'x'));
    expect(await failureOf(run({ file: bad }))).toMatchObject({ code: 'file-value-malformed', message: expect.stringContaining('Nothing was sent') });
    expect([peer.batches.length, peer.stored.size]).toEqual([0, 0]);
  });
  it('is an interruption: it says how to go on, and what was answered is in the journal', async () => {
    const journalFile = freshJournal();
    const stop = new AbortController();
    peer.faults = [() => false, () => { stop.abort(); return false; }];
    expect(await failureOf(run({ journalFile, signal: stop.signal, lanes: 1 }))).toMatchObject({ code: 'import-interrupted' });
    expect((await journalled(journalFile)).length).toBeGreaterThan(0);
    const report = await run({ journalFile });
    expect(peer.stored.size).toBe(report.events);
  });
});

describe('the report in words', () => {
  it('names counts, pace and oddities', async () => {
    const words = importSummary(await run());
    expect(words).toContain('3,000 invoices with 6,000 lines');
    expect(words).toMatch(/accepted, 0 duplicate, 0 rejected/);
    expect(words).toMatch(/lines\/s/);
    expect(words).toMatch(/lines without customer +858/);
  });
});
