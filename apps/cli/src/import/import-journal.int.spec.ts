import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { ImportJournal, type JournalEntry } from './import-journal.ts';

let folder = '';
let files = 0;
const fresh = (): string => join(folder, String(files++), 'shop.journal.jsonl');
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'millrace-journal-')); });
afterAll(async () => { await rm(folder, { recursive: true }); });

const accepted = (id: string, position = 1): JournalEntry => ({ id, outcome: 'accepted', log: 'sales/0', position });
const rejected = (id: string): JournalEntry => ({ id, outcome: 'rejected', pointer: '/data', code: 'contract-violated', reason: 'expected less' });
const written = async (path: string, ...entries: JournalEntry[]): Promise<void> => {
  const journal = await ImportJournal.open(path);
  await journal.add(entries);
  await journal.close();
};
const storedAt = async (path: string): Promise<string[]> => {
  const journal = await ImportJournal.open(path);
  await journal.close();
  return [...journal.stored.keys()];
};

describe('a journal', () => {
  it('remembers what is stored, and not what was rejected: that is sent again', async () => {
    const path = fresh();
    await written(path, accepted('a'), { id: 'b', outcome: 'duplicate', log: 'sales/0', position: 2 }, rejected('c'));
    expect(await storedAt(path)).toEqual(['a', 'b']);
  });
  it('vouches for an event of the same content, in the same life of its log, that the log still reaches', async () => {
    const path = fresh();
    await written(path, { ...accepted('a', 7), epoch: 3, digest: 'd' }, accepted('old', 1), { ...rejected('r'), epoch: 3, digest: 'd' });
    const journal = await ImportJournal.open(path);
    await journal.close();
    const at = (epoch: number, head: number, log = 'sales/0'): Map<string, { epoch: number; head: number }> => new Map([[log, { epoch, head }]]);
    expect(journal.holds('a', 'd', at(3, 7))).toBe(true);
    expect([journal.holds('a', 'other', at(3, 7)), journal.holds('a', 'd', at(4, 7)), journal.holds('a', 'd', at(3, 6)), journal.holds('a', 'd', at(3, 7, 'sales/1')), journal.holds('b', 'd', at(3, 7))]).toEqual([false, false, false, false, false]);
    expect([journal.holds('old', 'd', at(3, 7)), journal.holds('r', 'd', at(3, 7))]).toEqual([false, false]);
  });
  it('believes the last of several lines of an event', async () => {
    const path = fresh();
    await written(path, { ...accepted('a'), epoch: 1, digest: 'd' }, { ...accepted('a'), epoch: 2, digest: 'd' });
    const journal = await ImportJournal.open(path);
    await journal.close();
    expect(journal.holds('a', 'd', new Map([['sales/0', { epoch: 2, head: 1 }]]))).toBe(true);
  });
  it('is one JSON line per event', async () => {
    const path = fresh();
    await written(path, accepted('a'), rejected('c'));
    expect(await readFile(path, 'utf8')).toBe('{"id":"a","outcome":"accepted","log":"sales/0","position":1}\n{"id":"c","outcome":"rejected","pointer":"/data","code":"contract-violated","reason":"expected less"}\n');
  });
  it('is private to its user', async () => {
    const path = fresh();
    await written(path, accepted('a'));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });
  it('goes on after a crash at any byte, losing at most the torn line', async () => {
    const entries = Array.from({ length: 5 }, (_, i) => accepted(`id-${i}`, i + 1));
    const whole = fresh();
    await written(whole, ...entries);
    const bytes = await readFile(whole);
    await fc.assert(fc.asyncProperty(fc.nat(bytes.length), async (length) => {
      const path = fresh();
      await written(path);
      await writeFile(path, bytes.subarray(0, length));
      const complete = bytes.subarray(0, length).toString().split('\n').length - 1;
      expect(await storedAt(path)).toEqual(entries.slice(0, complete).map((entry) => entry.id));
      await written(path, accepted('next', 9));
      expect(await storedAt(path)).toEqual([...entries.slice(0, complete).map((entry) => entry.id), 'next']);
    }), { numRuns: 40 });
  });
  it('passes over a line that is no JSON', async () => {
    const path = fresh();
    await written(path, accepted('a'));
    await appendFile(path, '{"id":"x","outc\n');
    await written(path, accepted('b', 2));
    expect(await storedAt(path)).toEqual(['a', 'b']);
  });
  it('keeps the order of its calls', async () => {
    const path = fresh();
    const journal = await ImportJournal.open(path);
    await Promise.all(Array.from({ length: 20 }, (_, i) => journal.add([accepted(`id-${i}`, i + 1)])));
    await journal.close();
    expect(await storedAt(path)).toEqual(Array.from({ length: 20 }, (_, i) => `id-${i}`));
  });
  it('knows within a run what it has just been told', async () => {
    const journal = await ImportJournal.open(fresh());
    await journal.add([accepted('a')]);
    expect(journal.stored.has('a')).toBe(true);
    await journal.close();
  });
  it('without a path remembers nothing on disk', async () => {
    const journal = await ImportJournal.open(undefined);
    await journal.add([accepted('a')]);
    await journal.close();
    expect((await ImportJournal.open(undefined)).stored.size).toBe(0);
  });
});
