import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { acceptedOf, storedEvents, supervised } from './event-reader.ts';
import { caughtUp, freeBase, freshHome, millrace, millraceInBackground, millraceJson, readLines, removeHome, startPlatform, status, until, type CommandResult, type Platform } from './platform.ts';
import { retailFile } from './retail-file.ts';
import { checkFigures, checkReference } from './sales-figures.ts';
import { referenceOf, type SalesReference } from './sales-reference.ts';

let platform: Platform;
let reference: SalesReference;
let file: string;
let home: string;
let importing: { done: Promise<CommandResult> };

beforeAll(async () => {
  home = await freshHome();
  const found = await retailFile(home);
  file = found.file;
  reference = await referenceOf(file);
  if (found.expected !== undefined) await checkReference(found.expected, reference);
  platform = await startPlatform({ home, base: await freeBase() });
});
afterAll(async () => {
  await platform?.stop();
  await removeHome(home);
});

interface JournalLine { readonly id: string; readonly outcome: string; readonly log: string; readonly position: number }
const journal = async (): Promise<JournalLine[]> => (await readLines(join(home, 'imports', 'shop-import.journal.jsonl'))).map((line) => JSON.parse(line) as JournalLine);

describe('an import during which every process is killed once', () => {
  it('goes on through each kill -9 and ends well', async () => {
    importing = millraceInBackground(home, 'import', 'online-retail', file, '--json');
    const victims = (await status(home)).services.filter((service) => service.name !== 'supervisor').map((service) => service.name);
    expect(victims).toEqual(expect.arrayContaining(['ingestion', 'security', 'analytics', 'warehouse', 'backbone', 'console']));
    expect(victims.length).toBeGreaterThanOrEqual(10);
    for (const [index, name] of victims.entries()) {
      await until(`progress before killing ${name}`, async () => ((await acceptedOf(platform, 'shop')) > index * 200 ? true : undefined));
      const pid = await until(`the process of ${name}`, async () => (await supervised(platform, name))?.pid ?? undefined);
      process.kill(pid, 'SIGKILL');
      await until(`${name} to be running again`, async () => {
        const again = await supervised(platform, name);
        return again?.healthy === true && again.pid !== pid ? true : undefined;
      });
    }
    const result = await importing.done;
    expect(result.stderr.split('\n').filter((line) => line.startsWith('millrace:'))).toEqual([]);
    expect(result.code).toBe(0);
    const report = JSON.parse(result.stdout) as { invoices: number; lines: number };
    expect(report).toMatchObject({ invoices: reference.invoices, lines: reference.rows });
  });

  it('gives exactly the reference figures, from analytics and the warehouse alike', async () => {
    await caughtUp(home);
    expect(await checkFigures(home, reference)).toHaveProperty('sales/0', reference.invoices);
  });

  it('stored every acknowledged event once, at the position that was answered', async () => {
    const stored = new Map<string, string>();
    for await (const event of storedEvents(platform, 'shop')) {
      if (event.log === 'security/0') continue; // audits of the reveals above, not the client's
      expect(stored.has(event.id)).toBe(false);
      stored.set(event.id, `${event.log}:${event.position}`);
    }
    const lines = (await journal()).filter((line) => line.outcome !== 'rejected');
    const wrong = lines.filter((line) => stored.get(line.id) !== `${line.log}:${line.position}`);
    expect(wrong).toEqual([]);
    expect(new Set(lines.map((line) => line.id)).size).toBe(stored.size);
  });

  it('accounts for every event of the source', async () => {
    const [source] = (await status(home)).sources.filter((each) => each.tenant === 'shop');
    const lines = await journal();
    const journalled = (outcome: string): number => lines.filter((line) => line.outcome === outcome).length;
    expect(source!.received).toBe(source!.accepted + source!.duplicate + source!.rejected + source!.unanswered);
    expect(source!.rejected).toBe(0);
    expect(source!.unanswered).toBeGreaterThanOrEqual(0);
    // An answer lost on the way makes an accepted event come back as a duplicate of itself: the journal may know less, never more.
    expect(source!.accepted).toBe(new Set(lines.map((line) => line.id)).size);
    expect(journalled('accepted')).toBeLessThanOrEqual(source!.accepted);
    expect(journalled('duplicate')).toBeLessThanOrEqual(source!.duplicate);
  });

  it('adds no event when it is run again, with or without the journal', async () => {
    const heads = async (): Promise<Record<string, number>> => Object.fromEntries((await status(home)).logs.filter((log) => log.tenant === 'shop').map((log) => [log.log, log.head]));
    const before = await heads();
    await millraceJson(home, 'import', 'online-retail', file);
    expect(await heads()).toEqual(before);
    await rm(join(home, 'imports'), { recursive: true });
    await millraceJson(home, 'import', 'online-retail', file);
    expect(await heads()).toEqual(before);
  });

  it('gives the same figures after JetStream\'s folder is deleted', async () => {
    expect(await platform.stop()).toBe(0);
    await rm(join(home, 'nats', 'jetstream'), { recursive: true });
    platform = await startPlatform({ home, base: platform.base });
    await caughtUp(home);
    await checkFigures(home, reference);
  });

  it('has audited each reveal', async () => {
    const audits = [];
    for await (const event of storedEvents(platform, 'shop')) if (event.type === 'security.identifier.revealed') audits.push(event);
    expect(audits.length).toBeGreaterThanOrEqual(2);
  });
});

it('refuses a file that is no Online Retail file, and sends nothing of it', async () => {
  const result = await millrace(home, 'import', 'online-retail', join(home, 'layout.json'));
  expect(result.code).not.toBe(0);
  expect(result.stderr.trim().split('\n').filter((line) => line.startsWith('millrace:'))).toHaveLength(1);
});
