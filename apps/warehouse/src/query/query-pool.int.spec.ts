import { afterEach, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import type { DomainError } from '@millrace/kernel';
import { eventually } from '@millrace/testing';
import type { QueryJob, QueryOutcome } from './query-job.ts';
import { QueryPool, type QueryPoolOptions } from './query-pool.ts';
import { QueryProcess } from './query-process.ts';

const ENDLESS = 'with recursive t(x) as (select 1 union all select x + 1 from t) select count(*) from t';
const CROSS = 'select count(*) from range(1000000) a, range(1000000) b where a.range + b.range = -1';

const job = (sql: string): QueryJob => ({ views: [], files: [], tables: [], sql, maxRows: 100, maxBytes: 100_000, memoryLimit: '256MB' });

let pool: QueryPool;
const open = (options: Partial<QueryPoolOptions> = {}): QueryPool => {
  pool = new QueryPool({ timeoutMs: 20_000, processes: 1, maxWaiting: 2, waitMs: 30_000, maxResidentBytes: 512 * 1024 * 1024, idleMs: 60_000, ...options });
  return pool;
};
afterEach(() => pool.close());

const one = (running: QueryPool): Promise<QueryOutcome> => running.run(job('select 1 as n'));
const answered = { ok: true, columns: [{ name: 'n', type: 'INTEGER' }], rows: [{ n: 1 }] };
const isGone = async (pid: number): Promise<boolean> => !(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')).match(/\) [RSDT] /);

describe('a query process', () => {
  it('answers one query after the other', async () => {
    const running = open();
    expect(await one(running)).toEqual(answered);
    expect(await one(running)).toEqual(answered);
    expect(running.standing).toEqual({ busy: 0, idle: 1, waiting: 0 });
  });

  it.each([['an endless recursion', ENDLESS], ['a cross join', CROSS]])('is ended when it takes too long (%s), and the next query has another', async (_, sql) => {
    const running = open({ timeoutMs: 4_000 });
    await expect(running.run(job(sql))).rejects.toMatchObject({ kind: 'invalid', code: 'query-timeout', message: expect.stringContaining('4 s') });
    expect(running.standing).toEqual({ busy: 0, idle: 0, waiting: 0 });
    expect(await one(running)).toEqual(answered);
  });

  it('is ended when its memory grows beyond what DuckDB counts', async () => {
    const running = open({ maxResidentBytes: 200 * 1024 * 1024 });
    await expect(running.run(job('select sum(length(lpad(\'\', 90000000, \'x\') || range)) from range(2000)'))).rejects.toMatchObject({ kind: 'invalid', code: 'query-memory-exceeded' });
    expect(await one(running)).toEqual(answered);
  });

  it.each([['brackets', `select ${'('.repeat(9_000)}1${')'.repeat(9_000)}`], ['subqueries', `select * from ${'(select * from '.repeat(1_000)}(select 1)${')'.repeat(1_000)}`], ['operators', `select ${'-'.repeat(1)}${'1+'.repeat(9_000)}1`], ['a list', `select ${'['.repeat(5_000)}${']'.repeat(5_000)}`]])('survives, or is replaced after, SQL nested without end (%s)', async (_, sql) => {
    const running = open();
    const outcome = await running.run(job(sql)).then((answer) => (answer.ok ? 'answered' : answer.code), (error: unknown) => (error as DomainError).code);
    expect(['answered', 'sql-failed', 'sql-syntax', 'query-process-died', 'query-timeout']).toContain(outcome);
    expect(await one(running)).toEqual(answered);
  });

  it('that dies is replaced', async () => {
    const process = new QueryProcess();
    const bounds = { timeoutMs: 20_000, maxResidentBytes: 1e12 };
    expect(await process.run(job('select 1 as n'), bounds)).toEqual(answered);
    const dying = process.run(job(ENDLESS), bounds);
    globalThis.process.kill(process.pid ?? 0, 'SIGSEGV');
    await expect(dying).rejects.toMatchObject({ kind: 'unavailable', code: 'query-process-died' });
    await expect(process.run(job('select 1 as n'), bounds)).rejects.toMatchObject({ code: 'query-process-died' });
    expect(await one(open())).toEqual(answered);
  });

  it('has nothing of the service\'s environment', async () => {
    const process = new QueryProcess();
    await process.run(job('select 1 as n'), { timeoutMs: 20_000, maxResidentBytes: 1e12 });
    const environment = await readFile(`/proc/${process.pid}/environ`, 'utf8');
    expect(environment.split('\0').filter((entry) => entry !== '' && !entry.startsWith('NODE_CHANNEL'))).toEqual([]);
    await process.stop();
    open();
  });

  it('ends with its parent, even in the middle of a query', async () => {
    const running = open();
    const process = new QueryProcess();
    const bounds = { timeoutMs: 20_000, maxResidentBytes: 1e12 };
    await process.run(job('select 1 as n'), bounds);
    const cut = process.run(job(ENDLESS), bounds).catch((error: unknown) => error);
    process.disconnect();
    expect(await cut).toMatchObject({ code: 'query-process-died' });
    await eventually('the process has ended', () => isGone(process.pid ?? 0));
    expect(running.standing.idle).toBe(0);
  });
});

describe('a pool', () => {
  it('lets queries wait for a process, and turns away more than may wait', async () => {
    const running = open();
    const three = [one(running), one(running), one(running)];
    await expect(one(running)).rejects.toMatchObject({ kind: 'unavailable', code: 'query-queue-full' });
    expect(await Promise.all(three)).toEqual([answered, answered, answered]);
  });

  it('runs as many at once as it has processes: a slow one holds up nobody', async () => {
    const running = open({ processes: 2 });
    const slow = running.run(job(ENDLESS)).catch((error: unknown) => error);
    expect(await one(running)).toEqual(answered);
    expect(running.standing).toMatchObject({ busy: 1 });
    await running.close();
    expect(await slow).toMatchObject({ code: 'query-process-died' });
  });

  it('gives the place of a query whose asker has gone to the next', async () => {
    const running = open();
    const gone = new AbortController();
    const abandoned = running.run(job(ENDLESS), gone.signal).catch((error: unknown) => error);
    await eventually('it runs', () => running.standing.busy === 1);
    const next = one(running);
    gone.abort();
    expect(await abandoned).toMatchObject({ kind: 'unavailable', code: 'query-abandoned' });
    expect(await next).toEqual(answered);
    expect(running.standing).toEqual({ busy: 0, idle: 1, waiting: 0 });
  });

  it('takes out those that wait and whose askers have gone, and starts nothing for who had gone before', async () => {
    const running = open();
    const [holding, gone] = [new AbortController(), new AbortController()];
    const slow = running.run(job(ENDLESS), holding.signal).catch((error: unknown) => error);
    const waiting = [1, 2].map(() => running.run(job('select 1 as n'), gone.signal).catch((error: unknown) => error));
    expect(running.standing.waiting).toBe(2);
    gone.abort();
    expect(await Promise.all(waiting)).toMatchObject([{ code: 'query-abandoned' }, { code: 'query-abandoned' }]);
    expect(running.standing.waiting).toBe(0);
    await expect(running.run(job('select 1 as n'), gone.signal)).rejects.toMatchObject({ code: 'query-abandoned' });
    holding.abort();
    await slow;
    expect(await one(running)).toEqual(answered);
  });

  it('turns away who has waited for long', async () => {
    const running = open({ waitMs: 100 });
    const gone = new AbortController();
    const slow = running.run(job(ENDLESS), gone.signal).catch((error: unknown) => error);
    await expect(one(running)).rejects.toMatchObject({ kind: 'unavailable', code: 'query-queue-full', message: expect.stringContaining('within 0.1 s') });
    expect(running.standing.waiting).toBe(0);
    gone.abort();
    await slow;
    expect(await one(running)).toEqual(answered);
  });

  it('ends processes that nobody needs', async () => {
    const running = open({ idleMs: 50 });
    await one(running);
    await eventually('no process is left', () => running.standing.idle === 0);
    expect(await one(running)).toEqual(answered);
  });

  it('ends everything when it closes, and takes nothing more', async () => {
    const running = open();
    const cut = running.run(job(ENDLESS)).catch((error: unknown) => error);
    await eventually('it runs', () => running.standing.busy === 1);
    await running.close();
    expect(await cut).toMatchObject({ code: 'query-process-died' });
    await expect(one(running)).rejects.toMatchObject({ code: 'query-closing' });
  });
});
