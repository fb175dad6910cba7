import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@millrace/testing';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SampleWarehouse } from '../fixtures/sample-warehouse.ts';
import { QueryController } from './query.controller.ts';
import { WarehouseQuery } from './warehouse.query.ts';

const ENDLESS = 'with recursive t(x) as (select 1 union all select x + 1 from t) select count(*) from t';

let warehouse: SampleWarehouse;
let app: NestFastifyApplication;
// Nothing here ends by its own time.
beforeAll(async () => {
  warehouse = await SampleWarehouse.open(undefined, { timeoutMs: 600_000, waitMs: 600_000, processes: 1 });
  const providers = [{ provide: WarehouseQuery, useValue: new WarehouseQuery(warehouse.publisher, warehouse.pool) }];
  app = await NestFactory.create<NestFastifyApplication>({ module: QueryController, controllers: [QueryController], providers }, new FastifyAdapter(), { logger: false });
  await app.listen(0, '127.0.0.1');
});
afterAll(async () => {
  await app.close();
  await warehouse.close();
});

const ask = async (sql: string, signal?: AbortSignal): Promise<Response> =>
  fetch(`${await app.getUrl()}/v1/query`, { method: 'POST', body: JSON.stringify({ tenant: 'shop', sql }), headers: { 'content-type': 'application/json' }, signal });

describe('whoever hangs up', () => {
  it('leaves process and queue to the others', async () => {
    const gone = new AbortController();
    const abandoned = Promise.all([1, 2, 3].map(() => ask(ENDLESS, gone.signal).catch(() => 'hung up')));
    await eventually('one runs, two wait', () => warehouse.pool.standing.busy === 1 && warehouse.pool.standing.waiting === 2);
    gone.abort();
    expect(await abandoned).toEqual(['hung up', 'hung up', 'hung up']);
    await eventually('none of them is left', () => warehouse.pool.standing.busy === 0 && warehouse.pool.standing.waiting === 0);
    const answer = await ask('select 1 as n');
    expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining({ rows: [{ n: 1 }] })]);
  });
});
