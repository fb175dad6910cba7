import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BLOB, DECIMAL, DuckDBBlobValue, DuckDBDecimalValue, DuckDBInstance, DuckDBTimestampValue, INTEGER, TIMESTAMP, VARCHAR, type DuckDBConnection, type DuckDBValue } from '@duckdb/node-api';
import fc from 'fast-check';
import { appendRows, columnList, createTable, type TableDefinition } from './table-definition.ts';

const TABLE: TableDefinition = { name: 'thing', columns: [['n', INTEGER], ['t', VARCHAR], ['d', DECIMAL(38, 12)], ['ts', TIMESTAMP], ['b', BLOB]] };

let duckdb: DuckDBInstance;
let connection: DuckDBConnection;
beforeAll(async () => {
  duckdb = await DuckDBInstance.create(':memory:');
  connection = await duckdb.connect();
});
beforeEach(async () => {
  await connection.run('drop table if exists thing');
  await connection.run(createTable(TABLE));
});
afterAll(() => duckdb.closeSync());

const read = async (): Promise<DuckDBValue[][]> => (await connection.runAndReadAll(`select ${columnList(TABLE)} from thing order by n nulls last`)).getRows();
const row = (n: number, text = `t${n}`): DuckDBValue[] => [n, text, new DuckDBDecimalValue(BigInt(n) * 10n ** 12n + 1n, 38, 12), new DuckDBTimestampValue(BigInt(n)), new DuckDBBlobValue(Uint8Array.of(n & 255))];

describe('appendRows', () => {
  it('appends values of every kind', async () => {
    await appendRows(connection, TABLE, [row(1), row(2)]);
    expect((await read()).map((values) => values.map(String))).toEqual([['1', 't1', '1.000000000001', '1970-01-01 00:00:00.000001', '\\x01'], ['2', 't2', '2.000000000001', '1970-01-01 00:00:00.000002', '\\x02']]);
  });

  it('does nothing for no rows', async () => {
    await appendRows(connection, TABLE, []);
    expect(await read()).toEqual([]);
  });

  it.each([1, 2047, 2048, 2049, 5000])('appends %i rows in order, over the borders of chunks', async (count) => {
    await appendRows(connection, TABLE, Array.from({ length: count }, (_, n) => row(n)));
    expect((await read()).map(([n, text]) => `${Number(n)} ${text as string}`)).toEqual(Array.from({ length: count }, (_, n) => `${n} t${n}`));
  });

  it('leaves nothing of one batch in the next, though they share a chunk', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.array(fc.option(fc.string({ maxLength: 30 }).filter((text) => !text.includes('\0')), { nil: null }), { maxLength: 20 }), { maxLength: 8 }), async (batches) => {
      await connection.run('delete from thing');
      let n = 0;
      const expected: (string | null)[] = [];
      for (const batch of batches) {
        await appendRows(connection, TABLE, batch.map((text) => [n++, text, null, null, null]));
        expected.push(...batch);
      }
      expect((await read()).map(([, text, ...rest]) => [text, ...rest])).toEqual(expected.map((text) => [text, null, null, null]));
    }), { numRuns: 60 });
  });

  it('goes with the transaction', async () => {
    await connection.run('begin');
    await appendRows(connection, TABLE, [row(1)]);
    await connection.run('rollback');
    expect(await read()).toEqual([]);
  });
});

describe('createTable', () => {
  it('keeps a table that is there, and empties a temporary one', async () => {
    await appendRows(connection, TABLE, [row(1)]);
    await connection.run(createTable(TABLE));
    expect(await read()).toHaveLength(1);
    const temporary = { ...TABLE, name: 'passing' };
    for (let round = 0; round < 2; round += 1) {
      await connection.run(createTable(temporary, 'temporary, empty'));
      await appendRows(connection, temporary, [row(1)], { catalog: 'temp' });
    }
    expect((await connection.runAndReadAll('select count(*) from temp.passing')).getRowsJson()).toEqual([['1']]);
  });
});
