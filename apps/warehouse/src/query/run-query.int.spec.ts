import { describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { QueryJob, QueryOutcome } from './query-job.ts';
import { runQuery } from './run-query.ts';

const VIEWS = [
  { name: 'order_line', sql: `select * from (values ('o1', 2.50::decimal(38,12), timestamp '2026-01-01 10:00:00', 'DE'), ('o2', -1.005::decimal(38,12), timestamp '2026-02-01 10:00:00.25', 'AT')) v(order_id, amount, ts, country)` },
  { name: 'product', sql: `select 'p1' as product_id` },
];
const job = (sql: string, rest: Partial<QueryJob> = {}): QueryJob => ({ views: VIEWS, files: [], tables: ['order_line', 'product'], sql, maxRows: 100, maxBytes: 10_000, memoryLimit: '128MB', ...rest });
const run = (sql: string, rest: Partial<QueryJob> = {}): Promise<QueryOutcome> => runQuery(job(sql, rest));
const rows = async (sql: string): Promise<unknown> => {
  const outcome = await run(sql);
  return outcome.ok ? outcome.rows : outcome;
};

describe('what a query may not do', () => {
  it.each<[string, string]>([
    // reads a file
    ['select * from read_csv(\'/etc/passwd\')', 'sql-function-not-allowed'],
    ['select * from read_parquet(\'x.parquet\')', 'sql-function-not-allowed'],
    ['select * from read_text(\'/etc/passwd\')', 'sql-function-not-allowed'],
    ['select * from read_blob(\'/etc/passwd\')', 'sql-function-not-allowed'],
    ['select * from parquet_metadata(\'x\')', 'sql-function-not-allowed'],
    ['select * from sniff_csv(\'x\')', 'sql-function-not-allowed'],
    ['select * from glob(\'/*\')', 'sql-function-not-allowed'],
    ['select * from \'/etc/passwd\'', 'sql-table-unknown'],
    ['select * from \'file.csv\'', 'sql-table-unknown'],
    ['select * from "x.parquet"', 'sql-table-unknown'],
    ['select (select count(*) from \'file.csv\') from order_line', 'sql-table-unknown'],
    ['with "file.csv" as (select 1) select * from "file.csv"', 'sql-construct-not-allowed'],
    ['copy order_line to \'x.csv\'', 'sql-not-select'],
    ['copy (select 1) to \'x.csv\'', 'sql-not-select'],
    ['export database \'x\'', 'sql-not-select'],
    // writes
    ['create table t as select 1', 'sql-not-select'],
    ['insert into order_line values (1)', 'sql-not-select'],
    ['update order_line set amount = 0', 'sql-not-select'],
    ['delete from order_line', 'sql-not-select'],
    ['drop view order_line', 'sql-not-select'],
    ['create macro f(x) as x', 'sql-not-select'],
    ['with w as (insert into t values (1) returning *) select * from w', 'sql-syntax'],
    // attaches, installs, sets, calls
    ['attach \'x.duckdb\' as x', 'sql-not-select'],
    ['select * from x.main.order_line', 'sql-table-unknown'],
    ['install httpfs', 'sql-not-select'],
    ['load httpfs', 'sql-not-select'],
    ['set threads = 8', 'sql-not-select'],
    ['reset all', 'sql-not-select'],
    ['pragma version', 'sql-not-select'],
    ['call duckdb_settings()', 'sql-not-select'],
    ['explain select 1', 'sql-not-select'],
    ['begin', 'sql-not-select'],
    ['prepare p as select 1', 'sql-not-select'],
    // looks around
    ['select getenv(\'HOME\')', 'sql-function-not-allowed'],
    ['select current_setting(\'allowed_paths\')', 'sql-function-not-allowed'],
    ['select * from duckdb_settings()', 'sql-function-not-allowed'],
    ['select * from duckdb_secrets()', 'sql-function-not-allowed'],
    ['select * from duckdb_views', 'sql-table-unknown'],
    ['select * from information_schema.tables', 'sql-table-unknown'],
    ['with duckdb_views as (select 1) select * from (select * from duckdb_views)', 'sql-construct-not-allowed'],
    ['select * from pg_class', 'sql-table-unknown'],
    ['describe order_line', 'sql-construct-not-allowed'],
    ['show tables', 'sql-construct-not-allowed'],
    ['select current_query()', 'sql-function-not-allowed'],
    // runs SQL given as text, sleeps, makes much of nothing
    ['select * from query(\'select 1\')', 'sql-function-not-allowed'],
    ['select * from query_table(\'order_line\')', 'sql-function-not-allowed'],
    ['select json_execute_serialized_sql(\'x\')', 'sql-function-not-allowed'],
    ['select sleep_ms(1000)', 'sql-function-not-allowed'],
    ['select repeat(\'x\', 1000000000)', 'sql-function-not-allowed'],
    ['select write_log(\'x\')', 'sql-function-not-allowed'],
    ['select sum(amount) over (order by getvariable(\'x\')) from order_line', 'sql-function-not-allowed'],
    ['select count(*) filter (where getvariable(\'x\') = 1) from order_line', 'sql-function-not-allowed'],
    ['select 1 order by random()', 'sql-function-not-allowed'],
    ['select 1 limit (select nextval(\'s\'))', 'sql-function-not-allowed'],
    ['select list_transform([1], lambda x: getvariable(\'x\'))', 'sql-function-not-allowed'],
    ['select * from unnest([getvariable(\'x\')])', 'sql-function-not-allowed'],
    ['select system.main.sum(amount) from order_line', 'sql-function-not-allowed'],
    ['select $1', 'sql-construct-not-allowed'],
    // isn't one statement
    ['select 1; select 2', 'sql-several-statements'],
    ['select 1; drop view order_line', 'sql-not-select'],
    ['', 'sql-several-statements'],
    ['-- nothing', 'sql-several-statements'],
    ['selec 1', 'sql-syntax'],
    ['select * from order_line where (', 'sql-syntax'],
    ['select nosuch from order_line', 'sql-failed'],
    ['select cast(\'x\' as integer)', 'sql-failed'],
    ['select error(\'x\')', 'sql-failed'],
    [`select '${'x'.repeat(20_000)}'`, 'sql-too-long'],
  ])('%s', async (sql, code) => {
    expect(await run(sql)).toEqual({ ok: false, code, message: expect.stringMatching(/\w/) });
  });

  it('says where a table is meant', async () => {
    expect(await run('select * from \'/etc/passwd\'')).toMatchObject({ message: 'Expected order_line, product, customer, date or a name from WITH after FROM; got "/etc/passwd". Files and system tables can\'t be read.' });
  });
});

describe('behind the rule', () => {
  it('DuckDB itself refuses every file but the published ones, and any change of its settings', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'millrace-query-'));
    await writeFile(join(dir, 'in.csv'), 'a\n1\n');
    await writeFile(join(dir, 'out.csv'), 'a\n2\n');
    // Views stand in for a hole in the rule: what they do is not judged.
    const through = async (sql: string): Promise<QueryOutcome> => run('select * from order_line', { files: [join(dir, 'in.csv')], views: [{ name: 'order_line', sql }] });
    expect(await through(`select * from read_csv('${dir}/in.csv')`)).toMatchObject({ ok: true, rows: [{ a: 1 }] });
    const late = async (sql: string): Promise<QueryOutcome> => runQuery({ ...job(sql), tables: ['order_line', `${dir}/out.csv`.toLowerCase()], files: [join(dir, 'in.csv')] });
    const outcome = await late(`select * from '${dir}/out.csv'`);
    expect(outcome).toMatchObject({ ok: false, code: 'sql-failed' });
    expect(JSON.stringify(outcome)).not.toContain(dir);
    await rm(dir, { recursive: true });
  });
});

describe('what a query may do', () => {
  it('computes exactly', async () => {
    expect(await rows('select sum(amount) as total, count(*) as n, avg(amount) as mean from order_line')).toEqual([{ total: '1.495', n: 2, mean: 0.7475 }]);
  });

  it.each<[string, unknown]>([
    ['with recursive t(n) as (select 1 union all select n + 1 from t where n < 3) select sum(n) as s from t', [{ s: 6 }]],
    ['with a as (select 1 as x), b as materialized (select x + 1 as x from a) select * from b', [{ x: 2 }]],
    ['from order_line select order_id where country like \'D%\'', [{ order_id: 'o1' }]],
    ['select date_trunc(\'month\', ts) as m, rank() over (order by amount desc) as r from order_line qualify r = 1', [{ m: '2026-01-01T00:00:00Z', r: 1 }]],
    ['select strftime(ts, \'%Y-%m\') as month, string_agg(order_id, \',\' order by order_id) as ids from order_line group by all having count(*) > 0 order by 1 limit 1', [{ month: '2026-01', ids: 'o1' }]],
    ['select o.order_id from order_line o left join product p on o.order_id = p.product_id where o.amount between 0 and 10 and o.country in (\'DE\', \'AT\') and not exists (select 1 from product where product_id = o.order_id)', [{ order_id: 'o1' }]],
    ['select case when amount > 0 then \'in\' else \'out\' end as way, coalesce(null, country) as c from order_line union all select \'x\', \'y\' order by 1 desc limit 1', [{ way: 'x', c: 'y' }]],
    ['select * from (values (1, \'a\')) v(n, t) cross join range(2) r(i) order by i', [{ n: 1, t: 'a', i: 0 }, { n: 1, t: 'a', i: 1 }]],
    ['select list_sum(list_transform([1, 2], lambda x: x * 2)) as s, cast(\'1.5\' as decimal(9,2)) as d, try_cast(\'x\' as integer) as t, \'{"a":[1]}\'::json ->> \'$.a[0]\' as j', [{ s: 6, d: '1.5', t: null, j: '1' }]],
    ['SELECT COUNT(DISTINCT country) FILTER (WHERE amount > 0) AS n FROM ORDER_LINE', [{ n: 1 }]],
  ])('%s', async (sql, expected) => {
    expect(await rows(sql)).toEqual(expected);
  });
});

describe('values', () => {
  it.each<[string, unknown]>([
    ['9223372036854775807::bigint', '9223372036854775807'], ['9007199254740991::bigint', 9_007_199_254_740_991], ['-170141183460469231731687303715884105727::hugeint', '-170141183460469231731687303715884105727'],
    ['12345678901234567890123456.123456789012::decimal(38,12)', '12345678901234567890123456.123456789012'], ['-0.50::decimal(9,2)', '-0.5'], ['100.00::decimal(9,2)', '100'], ['100::decimal(9,0)', '100'],
    ['1.5::double', 1.5], ['\'nan\'::double', 'NaN'], ['\'-inf\'::double', '-Infinity'], ['true', true], ['null', null],
    ['date \'2026-01-31\'', '2026-01-31'], ['timestamp \'2026-01-31 08:26:00.123456\'', '2026-01-31T08:26:00.123456Z'], ['timestamptz \'2026-01-31 08:26:00+02\'', '2026-01-31T06:26:00Z'], ['time \'08:26\'', '08:26:00'],
    ['[1.10::decimal(9,2), null]', ['1.1', null]], ['{\'a\': date \'2026-01-31\', \'b\': [{\'c\': 1::bigint}]}', { a: '2026-01-31', b: [{ c: 1 }] }], ['map {\'k\': 1.0::decimal(3,1)}', [{ key: 'k', value: '1' }]],
    ['\'\\xDE\\xAD\'::blob', 'dead'], ['interval 90 minute', '01:30:00'], ['\'00000000-0000-0000-0000-000000000001\'::uuid', '00000000-0000-0000-0000-000000000001'],
  ])('%s', async (expression, expected) => {
    expect(await rows(`select ${expression} as v`)).toEqual([{ v: expected }]);
  });

  it('names and types columns, also when two have one name', async () => {
    expect(await run('select 1 as a, 2.5::decimal(9,2) as a')).toEqual({ ok: true, columns: [{ name: 'a', type: 'INTEGER' }, { name: 'a:1', type: 'DECIMAL(9,2)' }], rows: [{ 'a': 1, 'a:1': '2.5' }] });
  });
});

describe('bounds', () => {
  it.each<[string, Partial<QueryJob>, string, RegExp]>([
    ['select * from range(101)', {}, 'query-result-too-large', /at most 100 rows.*LIMIT/],
    ['select * from range(10000000) a, range(10000000) b', {}, 'query-result-too-large', /rows/],
    ['select lpad(\'\', 6000, \'x\') as t from range(2)', {}, 'query-result-too-large', /10000 bytes/],
    ['select list(range) from range(50000000)', {}, 'query-memory-exceeded', /aggregate earlier/],
  ])('%s', async (sql, rest, code, message) => {
    expect(await run(sql, rest)).toEqual({ ok: false, code, message: expect.stringMatching(message) });
  });

  it('lets exactly as many rows pass as asked for', async () => {
    expect(await run('select * from range(100)')).toMatchObject({ ok: true, rows: { length: 100 } });
  });
});
