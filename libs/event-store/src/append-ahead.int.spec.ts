import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { LogKey } from '@millrace/kernel';
import { eventually, withClient } from '@millrace/testing';
import type { Client } from 'pg';
import { appendBatch, type Landing } from './append-batch.ts';
import { NOTHING_KNOWN, planAppend } from './append-plan.ts';
import { sampleLog, single } from './event-store.conformance.ts';
import { failureKind } from './failure.ts';
import type { AppendUnit, PgEventStore } from './index.ts';
import { prepareUnits } from './prepared-unit.ts';
import { GrantedDatabase, statementsOf } from './testing.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);

describe('a batch written ahead of the one before', () => {
  let database: GrantedDatabase;
  let service: string;
  let store: PgEventStore;
  let [first, second]: Client[] = [];
  let log: LogKey;
  const pids = new Map<Client, number>();
  beforeAll(async () => {
    database = await GrantedDatabase.make();
    [service = ''] = await database.grant({ appends: ['sales'], reads: ['sales'], relay: false });
    store = database.store(service);
    [first, second] = [await database.client(service), await database.client(service)];
    for (const client of [first, second]) pids.set(client, (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]!.pid);
  });
  beforeEach(async () => {
    log = sampleLog();
    await store.append(log, [single(log), single(log)]);
  });
  afterAll(() => database.drop());

  const send = (client: Client, after: number | undefined, units: readonly AppendUnit[], epoch?: number): Promise<Landing> => {
    const prepared = prepareUnits(log, units, {}, new Date());
    return appendBatch(statementsOf(client), log, { epoch, after }, planAppend(log, prepared, NOTHING_KNOWN), { counts: [], rejects: [] });
  };
  const kindOf = (sent: Promise<unknown>): Promise<string> => sent.then(() => 'landed', (error: unknown) => failureKind(error));
  const positions = async (): Promise<number[]> => (await store.read(log, 0, 100)).map((event) => event.position);
  const isWaiting = (client: Client): Promise<unknown> => eventually('a wait for a lock', async () =>
    (await database.owner(`SELECT FROM pg_stat_activity WHERE pid = ${pids.get(client)} AND wait_event = 'advisory'`)).length > 0);

  it('waits for it and lands right behind', async () => {
    await first!.query('BEGIN');
    expect(await send(first!, 2, [single(log), single(log)])).toMatchObject({ base: 2 });
    const behind = send(second!, 4, [single(log)]);
    await isWaiting(second!);
    expect(await positions()).toEqual(range(2));
    await first!.query('COMMIT');
    expect(await behind).toMatchObject({ base: 4 });
    expect(await positions()).toEqual(range(5));
  });

  it('lands behind one that took the head first, too', async () => {
    await first!.query('BEGIN');
    expect(await send(first!, undefined, [single(log)])).toMatchObject({ base: 2 });
    const behind = send(second!, 3, [single(log)]);
    await isWaiting(second!);
    await first!.query('COMMIT');
    expect(await behind).toMatchObject({ base: 3 });
  });

  it('is refused, leaving no gap, when the one before is undone', async () => {
    await first!.query('BEGIN');
    await send(first!, 2, [single(log)]);
    const behind = kindOf(send(second!, 3, [single(log)]));
    await isWaiting(second!);
    await first!.query('ROLLBACK');
    expect(await behind).toBe('moved');
    expect(await positions()).toEqual(range(2));
  });

  it.each([['beyond the end', 3], ['before the end', 1], ['at the start', 0], ['below it', -1]])('is refused %s', async (_name, after) => {
    expect(await kindOf(send(second!, after, [single(log)]))).toBe('moved');
    expect(await positions()).toEqual(range(2));
  });

  it('is refused at once while somebody else holds the head, instead of waiting in a circle', async () => {
    await withClient(database.url, async (owner) => {
      await owner.query('BEGIN');
      await owner.query('SELECT FROM millrace.log_head WHERE tenant = $1 FOR UPDATE', [log.tenant]);
      expect(await kindOf(send(first!, 2, [single(log)]))).toBe('moved');
      await owner.query('ROLLBACK');
    });
  });

  it('is refused in a log that does not exist', async () => {
    const elsewhere = log;
    log = sampleLog();
    expect(await kindOf(send(first!, 1, [single(log)]))).toBe('moved');
    log = elsewhere;
  });

  it('is refused with an epoch that was renewed while it was written', async () => {
    const { epoch } = (await store.head(log))!;
    await first!.query('BEGIN');
    await send(first!, 2, [single(log)]);
    const behind = send(second!, 3, [single(log)], epoch);
    await isWaiting(second!);
    const renewed = database.owner('UPDATE millrace.log_head SET epoch = epoch + 1 WHERE tenant = $1', [log.tenant]);
    await first!.query('ROLLBACK');
    await renewed;
    await expect(behind).rejects.toMatchObject({ code: expect.stringMatching(/^MR00[14]$/) });
    await expect(send(second!, 2, [single(log)], epoch)).rejects.toMatchObject({ code: 'MR001' });
  });

  it('follows what was archived', async () => {
    await database.owner('UPDATE millrace.log_head SET archived_through = 2 WHERE tenant = $1', [log.tenant]);
    await database.owner('DELETE FROM millrace.event WHERE tenant = $1', [log.tenant]);
    expect(await send(first!, 2, [single(log)])).toMatchObject({ base: 2 });
  });

  it('of one store beside another on the same log: dense, nothing lost, nothing twice', async () => {
    const stores = range(3).map(() => database.store(service));
    const calls = stores.flatMap((one) => range(40).map(() => one.append(log, range(4).map(() => single(log)))));
    const answered = (await Promise.all(calls)).flat().map((outcome) => (outcome.kind === 'appended' ? outcome.position : 0));
    expect(answered.toSorted((a, b) => a - b)).toEqual(range(480).map((n) => n + 2));
    const read = await store.read(log, 0, 1000);
    expect(read.map((event) => event.position)).toEqual(range(482));
  });

  it('meets known ids and wrong versions like any other', async () => {
    const known = single(log);
    const outcomes = await Promise.all(range(60).map((n) => store.append(log, n % 7 === 0 ? [known] : [single(log)])));
    expect(outcomes.flat().filter((outcome) => outcome.kind === 'appended')).toHaveLength(60 - 8 + 1);
    expect(outcomes.flat().filter((outcome) => outcome.kind === 'duplicate')).toHaveLength(7);
  });
});
