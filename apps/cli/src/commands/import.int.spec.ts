import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { sourceKeyFile } from '../client/source-keys.ts';
import { scratchFolder, standInPlatform, type StandInPlatform } from '../testing.ts';

interface Wire { readonly id: string; readonly type: string }

const folder = scratchFolder();
const file = join(folder.path, 'retail.csv');
const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
const LINES = [
  '536365,85123A,WHITE HANGING HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom',
  '536365,71053,WHITE METAL LANTERN,6,2010-12-01 08:26:00,3.39,17850,United Kingdom',
  '536366,22633,HAND WARMER,6,2010-12-01 08:28:00,1.85,13047,France',
];
let platform: StandInPlatform;
let stored: Map<string, Wire>;

/** Takes everything but the types named. */
const intake = (refused: readonly string[] = []): void => platform.on('ingestion', 'POST /v1/events', ({ body }) => {
  const outcomes = (body as Wire[]).map((event, index) => {
    if (refused.includes(event.type)) return { index, id: event.id, outcome: 'rejected', pointer: '/data', code: 'not-today', reason: 'No.' };
    if (stored.has(event.id) && !isDeepStrictEqual(stored.get(event.id), event)) return { index, id: event.id, outcome: 'rejected', pointer: '/id', code: 'id-conflict', reason: 'Another event.' };
    const outcome = stored.has(event.id) ? 'duplicate' : 'accepted';
    stored.set(event.id, event);
    return { index, id: event.id, outcome, log: 'sales/0', position: stored.size };
  });
  return { status: 202, json: { outcomes, dropped: 0 } };
});

beforeAll(async () => { platform = await standInPlatform(folder.path); });
beforeEach(() => {
  writeFileSync(file, `${[HEADER, ...LINES].join('\n')}\n`);
  stored = new Map();
  platform.heard.length = 0;
  rmSync(platform.home.path('imports'), { recursive: true, force: true });
  rmSync(sourceKeyFile(platform.home, 'shop', 'import'), { force: true });
  platform.on('ingestion', 'POST /v1/sources', { status: 201, json: { tenant: 'shop', name: 'import', key: 'msk_import' } });
  platform.on('backbone', 'GET /v1/logs', () => ({ json: { logs: [{ log: 'sales/0', epoch: 1, head: stored.size }] } }));
  intake();
});
afterAll(async () => {
  await platform.close();
  folder.remove();
});
const requests = (): string[] => platform.heard.map(({ request }) => request);

describe('millrace import online-retail', () => {
  it('makes its source as system of record from 1990, and sends with its key', async () => {
    const { out, failed } = await platform.run('import', 'online-retail', file, '--json');
    expect(failed).toBe(false);
    expect(JSON.parse(out[0]!)).toMatchObject({ invoices: 2, lines: 3, rejected: 0, duplicate: 0, accepted: stored.size });
    expect(platform.heard[0]!.body).toEqual({ tenant: 'shop', name: 'import', recordOf: ['sales', 'customer', 'merchandise'], earliest: '1990-01-01T00:00:00Z' });
    expect(platform.heard.at(-1)!.authorization).toBe('Bearer msk_import');
    expect([...stored.values()].filter((event) => event.type === 'sales.order.placed')).toHaveLength(2);
  });

  it('sends nothing a second time, thanks to its journal', async () => {
    await platform.run('import', 'online-retail', file);
    const journal = platform.home.path('imports', 'shop-import.journal.jsonl');
    expect(readFileSync(journal, 'utf8').trim().split('\n')).toHaveLength(stored.size);
    expect(statSync(journal).mode & 0o077).toBe(0);
    platform.heard.length = 0;
    const { out } = await platform.run('import', 'online-retail', file, '--json');
    expect(JSON.parse(out[0]!)).toMatchObject({ accepted: 0, duplicate: 0, alreadyStored: stored.size });
    expect(requests()).toEqual(['GET /v1/logs?tenant=shop']);
  });

  it('fails, saying what to do, when the file says something else than the one imported before', async () => {
    await platform.run('import', 'online-retail', file);
    writeFileSync(file, `${[HEADER, ...LINES].join('\n').replace(',6,', ',600,')}\n`);
    const { err, failed } = await platform.run('import', 'online-retail', file, '--json');
    expect(failed).toBe(true);
    expect(err).toEqual([
      'millrace: 1 events were rejected; the report names the first of them',
      expect.stringMatching(/^millrace: 1 of the rejected events are stored with other content: .*--tenant <name>/),
    ]);
  });

  it('sends everything again without it, and all of it is known', async () => {
    await platform.run('import', 'online-retail', file);
    rmSync(platform.home.path('imports'), { recursive: true });
    const before = stored.size;
    const { out } = await platform.run('import', 'online-retail', file, '--json');
    expect(JSON.parse(out[0]!)).toMatchObject({ accepted: 0, duplicate: before, alreadyStored: 0 });
    expect(stored.size).toBe(before);
  });

  it('keeps its journal where it is told', async () => {
    const journal = join(folder.path, 'elsewhere.jsonl');
    await platform.run('import', 'online-retail', file, '--journal', journal);
    expect([existsSync(journal), existsSync(platform.home.path('imports'))]).toEqual([true, false]);
  });

  it('keeps tenants and sources apart', async () => {
    platform.on('ingestion', 'POST /v1/sources', { status: 201, json: { tenant: 'demo', name: 'past', key: 'msk_past' } });
    await platform.run('import', 'online-retail', file, '--tenant', 'demo', '--source', 'past');
    expect(existsSync(platform.home.path('imports', 'demo-past.journal.jsonl'))).toBe(true);
    expect(readFileSync(sourceKeyFile(platform.home, 'demo', 'past'), 'utf8')).toBe('msk_past\n');
  });

  it('tells in words what it found, and fails when events were rejected', async () => {
    intake(['customer.profile.registered']);
    const { out, err, failed } = await platform.run('import', 'online-retail', file);
    expect(out[0]).toContain('2 invoices with 3 lines');
    expect(out[0]).toMatch(/rejected \S+ \/data not-today: No\./);
    expect(err).toEqual(['millrace: 2 events were rejected; the report names the first of them']);
    expect(failed).toBe(true);
  });

  it.each([
    ['a missing file', undefined, /no file there/],
    ['a file without one of the columns', `${HEADER.replace(',Country', '')}\n536365,85123A,X,6,2010-12-01 08:26:00,2.55,17850\n`, /Country/],
    ['something that is no CSV', '{"layout":1}\n', /Line 1: expected/],
    ['a file that was cut', `${HEADER}\n${LINES[0]}\n536366,226`, /cut in the middle/],
  ])('sends nothing of %s', async (_, content, message) => {
    if (content === undefined) rmSync(file);
    else writeFileSync(file, content);
    const { out, error } = await platform.run('import', 'online-retail', file, '--json');
    expect(out).toEqual([]);
    expect(error).toMatch(message);
    expect(requests().filter((request) => request.includes('/v1/events'))).toEqual([]);
  });
});
