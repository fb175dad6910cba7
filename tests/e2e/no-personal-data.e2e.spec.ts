import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { appendFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ByteScan, formsOf } from './byte-scan.ts';
import { caughtUp, freeBase, freshHome, millraceJson, readLines, removeHome, startPlatform, status, type Platform } from './platform.ts';
import { duckdbRows, parquetRows, postgresRows } from './stored-rows.ts';

const INSTANCES = [['events', 11], ['reads', 12], ['keys', 13]] as const;
/** Stands in a field no contract marks personal, so it is stored as it is: a scan that doesn't see it sees nothing. */
const CANARY = 'canary-Zq7Rw2Xk9Lm4';

let platform: Platform;
let home: string;
let personal: string[];
let scan: ByteScan;

const plantCanary = async (): Promise<void> => {
  const { key } = await millraceJson<{ key: string }>(home, 'source', 'add', 'canary', '--tenant', 'demo', '--record-of', 'sales,merchandise');
  const now = new Date().toISOString();
  const line = { lineNo: 1, productId: CANARY, quantity: '1', unitPrice: '1.00', kind: 'product', placedAt: now };
  const events = [
    { specversion: '1.0', id: 'canary-listed', source: 'urn:test', type: 'merchandise.product.listed', time: now, data: { productId: CANARY, title: CANARY } },
    { specversion: '1.0', id: 'canary-order', source: 'urn:test', type: 'sales.order.placed', time: now, data: { orderId: CANARY, currency: 'EUR', country: CANARY.slice(0, 40), lines: [line] } },
  ];
  const response = await fetch(`http://127.0.0.1:${platform.base + 1}/v1/events`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/cloudevents-batch+json' }, body: JSON.stringify(events) });
  const answer = await response.json() as { outcomes: { outcome: string }[] };
  expect(answer.outcomes.filter((each) => each.outcome !== 'accepted')).toEqual([]);
  await appendFile(join(home, 'logs', 'ingestion.log'), `${CANARY}\n`); // nothing of an event is logged, so the log's canary is written here
};

beforeAll(async () => {
  home = await freshHome();
  platform = await startPlatform({ home, base: await freeBase() });
  const manifest = join(home, '..', `${home.split('/').at(-1)}-personal.jsonl`);
  await millraceJson(home, 'simulate', '--tenant', 'demo', '--rate', '120', '--seed', '7', '--for', '15s', '--manifest', manifest);
  const lines = await readLines(manifest);
  personal = [...new Set(lines.map((line) => (JSON.parse(line) as { value: string }).value))].filter((text) => text.length >= 12);
  await plantCanary();
  await caughtUp(home, 'demo');
  await millraceJson(home, 'sql', 'select count(*) as n from order_line', '--tenant', 'demo'); // makes the warehouse publish a snapshot
  scan = new ByteScan([...personal, CANARY]);
  await removeHome(manifest);
});
afterAll(async () => {
  await platform?.stop();
  await removeHome(home);
});

const canaryOnly = (found: Iterable<string>): void => { expect([...new Set(found)]).toEqual([CANARY]); };

describe('none of the simulator\'s personal values', () => {
  it('is missing from the search: there are names, e-mails, phones and customer numbers enough', async () => {
    expect(personal.length).toBeGreaterThan(40);
    expect(personal.some((text) => text.includes('@'))).toBe(true);
    const sums = (await status(home)).sources.find((source) => source.tenant === 'demo' && source.accepted > 200);
    expect(sums).toBeDefined();
  });

  it.each(INSTANCES)('stands in a row of the %s Postgres, decoded', async (instance, offset) => {
    const found = new Set<string>();
    let rows = 0;
    for await (const { text } of postgresRows(home, instance, platform.base + offset)) {
      rows += 1;
      for (const needle of scan.in(Buffer.from(text))) found.add(needle);
    }
    expect(rows).toBeGreaterThan(10);
    expect([...found]).toEqual(instance === 'keys' ? [] : [CANARY]);
  });

  it('stands in Parquet rows, decoded', async () => {
    const rows = await parquetRows(join(home, 'warehouse'));
    expect(rows.length).toBeGreaterThan(100);
    canaryOnly(rows.flatMap((row) => [...scan.in(Buffer.from(row))]));
  });

  it('stands in the bytes of any file: Postgres, JetStream, Parquet, DuckDB, logs', async () => {
    expect(await platform.stop()).toBe(0);
    const found = await scan.folder(home);
    expect(found.filter(({ needle }) => needle !== CANARY)).toEqual([]);
    const stores = new Set(found.map(({ place }) => place.slice(home.length + 1).split('/').slice(0, place.includes('/postgres/') ? 2 : 1).join('/')));
    expect([...stores]).toEqual(expect.arrayContaining(['postgres/events', 'postgres/reads', 'nats', 'logs', 'warehouse']));
  });

  it('stands in DuckDB rows, decoded', async () => {
    const files = (await readdir(join(home, 'warehouse'), { recursive: true })).filter((name) => name.endsWith('.duckdb'));
    expect(files.length).toBeGreaterThan(0);
    canaryOnly((await Promise.all(files.map((name) => duckdbRows(join(home, 'warehouse', name))))).flat().flatMap((row) => [...scan.in(Buffer.from(row))]));
  });
});

describe('the scan itself', () => {
  it('finds a text in every form and at every offset', () => {
    const probe = new ByteScan(['maria.lopez@example.org']);
    for (let offset = 0; offset < 7; offset += 1) {
      const bytes = Buffer.concat([Buffer.alloc(offset, 0xa7), Buffer.from('maria.lopez@example.org'), Buffer.from([1, 2, 3])]);
      for (const form of [bytes, Buffer.from(bytes.toString('hex')), Buffer.from(bytes.toString('hex').toUpperCase()), Buffer.from(bytes.toString('base64')), Buffer.from(bytes.toString('base64url'))]) {
        expect([...probe.in(form)]).toEqual(['maria.lopez@example.org']);
      }
    }
    expect([...probe.in(Buffer.from('maria.lopez@example.com'))]).toEqual([]);
  });

  it('refuses needles that would be found by chance', () => {
    expect(() => new ByteScan(['short'])).toThrow(/by chance/);
    expect(formsOf('abcdefgh').length).toBe(9);
  });
});
