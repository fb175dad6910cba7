import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { headOf } from './event-reader.ts';
import { caughtUp, copyHome, freeBase, freshHome, millraceInBackground, millraceJson, removeHome, startPlatform, status, until, type Platform } from './platform.ts';
import { madeRows } from './retail-file.ts';
import { checkFigures } from './sales-figures.ts';
import { referenceOf, type SalesReference } from './sales-reference.ts';

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
const homes: string[] = [];
const running: Platform[] = [];
let reference: SalesReference;
let file: string;
let home: string;
let olderEvents: string;

const started = async (at: string): Promise<Platform> => {
  const platform = await startPlatform({ home: at, base: await freeBase() });
  running.push(platform);
  return platform;
};
const salesHead = async (at: string): Promise<number> => (await status(at)).logs.find((log) => log.tenant === 'shop' && log.log === 'sales/0')?.head ?? 0;

beforeAll(async () => {
  home = await freshHome();
  homes.push(home);
  file = join(home, 'made.csv');
  await writeFile(file, `${[HEADER, ...madeRows(12_000, 11)].join('\n')}\n`);
  reference = await referenceOf(file);
});
afterAll(async () => {
  await Promise.all(running.map((platform) => platform.kill().catch(() => undefined)));
  await Promise.all(homes.map(removeHome));
});

it('ends at the same figures from a copy of everything, taken mid-import after a kill -9 of all processes', async () => {
  const original = await started(home);
  const importing = millraceInBackground(home, 'import', 'online-retail', file);
  // In short steps: an answer that is slow to come must not leave it the time to finish.
  await until('the import to be under way', async () => {
    importing.child.kill('SIGCONT');
    await pause(100);
    importing.child.kill('SIGSTOP');
    return (await headOf(original, 'shop', 'sales/0')) > 1000 ? true : undefined;
  });
  importing.child.kill('SIGCONT');
  await pause(50);
  const gone = original.kill();
  importing.child.kill('SIGKILL');
  await gone;
  await importing.done;
  const copy = await copyHome(home);
  homes.push(copy);
  const elsewhere = await started(copy);
  expect(await salesHead(copy)).toBeGreaterThan(1000);
  expect(await salesHead(copy)).toBeLessThan(reference.invoices);
  await millraceJson(copy, 'import', 'online-retail', file);
  await caughtUp(copy);
  await checkFigures(copy, reference);
  expect(await elsewhere.stop()).toBe(0);
});

it('says diverged wherever something is ahead of a restored event database', async () => {
  // The original goes on from its own crash; its event database is then put back to where it stood before.
  olderEvents = await freshHome();
  homes.push(olderEvents);
  await cp(join(home, 'postgres', 'events'), join(olderEvents, 'events'), { recursive: true, preserveTimestamps: true });
  const first = await started(home);
  await millraceJson(home, 'import', 'online-retail', file);
  await caughtUp(home);
  expect(await first.stop()).toBe(0);
  await rm(join(home, 'postgres', 'events'), { recursive: true });
  await cp(join(olderEvents, 'events'), join(home, 'postgres', 'events'), { recursive: true, preserveTimestamps: true });
  await started(home);
  const log = await until('relay and consumers to have compared', async () => {
    const sales = (await status(home)).logs.find((each) => each.tenant === 'shop' && each.log === 'sales/0') as Diverging | undefined;
    return sales?.state === 'diverged' && sales.consumers.length >= 2 && sales.consumers.every((consumer) => consumer.state === 'diverged') ? sales : undefined;
  });
  expect(log.head).toBeLessThan(log.consumers[0]!.position);
  expect(log.consumers.map((consumer) => consumer.name).sort()).toEqual(['analytics', 'warehouse']);
  for (const consumer of log.consumers) expect(consumer.reason).toMatch(/ahead|position|leaf/i);
});

interface Diverging { readonly head: number; readonly state?: string; readonly consumers: readonly { readonly name: string; readonly position: number; readonly state?: string; readonly reason?: string }[] }
