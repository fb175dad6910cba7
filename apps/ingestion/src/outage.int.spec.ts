import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from '@jest/globals';
import { applyGrants, migrateEventStore } from '@millrace/event-store';
import { eventually, freePort, freshDatabase, ownNats, ownPostgres, uniqueTenant, withClient, type TestDatabase } from '@millrace/testing';
import { ingestionManifest, ROLE, ROLE_PASSWORD, runIngestion, type RunningIngestion } from './testing.ts';

const post = (running: RunningIngestion, key: string, events: readonly object[]): Promise<Response> =>
  fetch(`${running.address}/v1/events`, { method: 'POST', headers: { 'content-type': 'application/cloudevents-batch+json', authorization: `Bearer ${key}` }, body: JSON.stringify(events) });
const stored = async (response: Response): Promise<unknown> => ((await response.json()) as { outcomes: object[] }).outcomes;

const cleanUps: (() => Promise<unknown>)[] = [];
// Also after a failure: a server left behind keeps the run from ending.
afterEach(async () => { for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp(); });

/** A server that comes back after a kill must come back where it was. */
const fixedPortConfig = async (): Promise<{ file: string; dir: string }> => {
  const port = await freePort();
  const dir = await mkdtemp(join(tmpdir(), 'millrace-nats-'));
  const file = join(dir, 'nats.conf');
  await writeFile(file, `listen: "127.0.0.1:${port}"\n`);
  return { file, dir };
};

it('answers 503 with Retry-After while store or keys are away, loses nothing acknowledged, and goes on by itself', async () => {
  const config = await fixedPortConfig();
  const [postgres, nats, own] = await Promise.all([ownPostgres(), ownNats(config.file), freshDatabase()]);
  cleanUps.push(() => rm(config.dir, { recursive: true }), () => own.drop(), () => nats.remove(), () => postgres.remove());
  const url = (user: string, password: string): string => postgres.url('postgres', user, password);
  await migrateEventStore(url('postgres', postgres.password));
  await withClient(url('postgres', postgres.password), async (client) => {
    await client.query(`create role ${ROLE} login password '${ROLE_PASSWORD}'`);
    await applyGrants(client, [await ingestionManifest()]);
  });
  const events: TestDatabase = { name: 'postgres', url: url('postgres', postgres.password), urlAs: (role, password) => url(role, password), drop: async () => undefined };
  const running = await runIngestion({ events, natsUrl: nats.url, databaseUrl: own.url });
  cleanUps.push(() => running.close());
  const tenant = uniqueTenant();
  const key = await running.source({ tenant, name: 'shop', recordOf: ['customer'] });
  const at = new Date().toISOString();
  const click = { specversion: '1.0', id: 'click', source: '/web', type: 'clickstream.page.viewed', time: at, data: { sessionId: 's', path: '/' } };
  const person = { ...click, id: 'person', type: 'customer.profile.registered', data: { customer: { number: 'N-424242', name: 'Ann Example' } } };
  expect((await post(running, key, [click])).status).toBe(202);

  await postgres.kill();
  // A backend outlives its server by a moment.
  await eventually('the store to be away', async () => (await fetch(`${running.address}/ready`)).status === 503);
  const away = await post(running, key, [{ ...click, id: 'while-away' }]);
  expect([away.status, Number(away.headers.get('retry-after')) > 0, ((await away.json()) as { code: string }).code]).toEqual([503, true, 'event-store-unavailable']);
  await postgres.restart();
  const again = await eventually('the store to answer', async () => {
    const response = await post(running, key, [click, { ...click, id: 'while-away' }]);
    return response.status === 202 ? response : undefined;
  });
  expect(await stored(again)).toMatchObject([{ outcome: 'duplicate', position: 1 }, { outcome: expect.stringMatching(/accepted|duplicate/), position: 2 }]);

  await nats.kill();
  expect((await post(running, key, [{ ...click, id: 'bus-down' }])).status).toBe(202);
  const closed = await post(running, key, [person]);
  expect([closed.status, closed.headers.has('retry-after')]).toEqual([503, true]);
  await nats.restart();
  const open = await eventually('keys to be had', async () => {
    const response = await post(running, key, [person]);
    return response.status === 202 ? response : undefined;
  });
  expect(await stored(open)).toMatchObject([{ outcome: 'accepted', log: 'customer/0', position: 1 }]);
  const [sums] = await running.reader.counts(tenant);
  expect(sums!.received).toBe(sums!.accepted + sums!.duplicate + sums!.rejected + sums!.unanswered);
  expect(sums).toMatchObject({ accepted: 4, rejected: 0 });
});
