import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from 'pg';
import { faultProxy, freshDatabase, httpAnswer, statementAnswer, withClient, type FaultProxy, type TestDatabase } from './index.ts';

let database: TestDatabase;
let proxy: FaultProxy;
let through: string;
beforeAll(async () => {
  database = await freshDatabase();
  await withClient(database.url, (client) => client.query('create table fact (n int)'));
  const url = new URL(database.url);
  proxy = await faultProxy({ port: Number(url.port) });
  url.port = String(proxy.port);
  through = url.href;
});
afterAll(async () => { await proxy.close(); await database.drop(); });

const insert = async (n: number, name = 'keep-fact'): Promise<string> => {
  const client = new Client({ connectionString: through });
  client.on('error', () => undefined);
  await client.connect();
  const outcome = await client.query({ name, text: 'insert into fact values ($1)', values: [n] }).then(() => 'answered', () => 'cut');
  await client.end();
  return outcome;
};
const facts = async (): Promise<number[]> => (await withClient(database.url, (client) => client.query<{ n: number }>('select n from fact order by n'))).rows.map(({ n }) => n);

it('forwards everything until it is told to cut', async () => {
  expect(await insert(1)).toBe('answered');
  expect(await facts()).toEqual([1]);
  expect(proxy.cuts).toBe(0);
});

it('cuts between commit and answer: the row is there, its client never hears of it', async () => {
  proxy.cut(statementAnswer('keep-fact'));
  expect(await insert(2)).toBe('cut');
  expect(await facts()).toEqual([1, 2]);
  expect(proxy.cuts).toBe(1);
});

it('leaves other statements alone, and all of them once it is told to stop', async () => {
  expect(await insert(3, 'another')).toBe('answered');
  proxy.cut();
  expect(await insert(4)).toBe('answered');
  expect(await facts()).toEqual([1, 2, 3, 4]);
  expect(proxy.cuts).toBe(1);
});

it('withholds the whole of a large answer that comes in many pieces', async () => {
  proxy.cut(statementAnswer('many-rows'));
  const client = new Client({ connectionString: through });
  client.on('error', () => undefined);
  await client.connect();
  const rows = client.query({ name: 'many-rows', text: 'select repeat(\'x\', 1000) from generate_series(1, $1)', values: [5000] });
  await expect(rows).rejects.toThrow(/terminated|ECONNRESET/);
  await client.end();
  expect(proxy.cuts).toBe(2);
  proxy.cut();
});

it('cuts an HTTP answer after the server did its work', async () => {
  let done = 0;
  const server: Server = createServer((request, response) => { done += 1; response.end(`did ${request.url}`); });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const web = await faultProxy({ port: (server.address() as AddressInfo).port });
  const ask = (path: string, method: string): Promise<string> => fetch(`http://127.0.0.1:${web.port}${path}`, { method }).then((response) => response.text());
  expect(await ask('/one', 'GET')).toBe('did /one');
  web.cut(httpAnswer('POST /work'));
  await expect(ask('/work', 'POST')).rejects.toThrow('fetch failed');
  expect(await ask('/two', 'GET')).toBe('did /two');
  expect([done, web.cuts]).toEqual([3, 1]);
  await web.close();
  await expect(ask('/three', 'GET')).rejects.toThrow('fetch failed');
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

it('passes a refused connection on as a closed one', async () => {
  const nobody = await faultProxy({ port: proxy.port === 1 ? 2 : 1 });
  await expect(fetch(`http://127.0.0.1:${nobody.port}/`)).rejects.toThrow('fetch failed');
  await nobody.close();
});
