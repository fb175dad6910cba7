import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { decodeMessage, streamNameOf } from '@millrace/event-bus';
import { PgEventStore } from '@millrace/event-store';
import type { LogKey } from '@millrace/kernel';
import { eventually, freshDatabase, natsUrl, uniqueTenant, withClient, type TestDatabase } from '@millrace/testing';
import { PASSWORD, prepared, runBackbone, unitsOf, type RunningBackbone } from '../testing.ts';
import type { EventView } from '../event-log/event-view.ts';
import type { ArchiveStep } from './range-archive.ts';

let events: TestDatabase;
let store: PgEventStore;
let running: RunningBackbone;
beforeAll(async () => {
  events = await freshDatabase({ template: 'backbone_events', migrate: prepared });
  store = PgEventStore.connect({ url: events.urlAs('millrace_ingestion', PASSWORD), applicationName: 'spec' });
  running = await runBackbone({ eventsUrl: events.urlAs('millrace_backbone', PASSWORD), natsUrl: natsUrl() });
});
afterAll(async () => {
  await running.close();
  await store.close();
  await events.drop();
});

const cosign = (log: LogKey, size: number) => withClient(events.url, (owner) => owner.query(`INSERT INTO millrace.ledger_checkpoint AS c (tenant, context, shard, epoch, size, root, note, cosigned)
  SELECT tenant, context, shard, epoch, $2, sha256(''), 'spec', true FROM millrace.log_head WHERE tenant = $1 AND context = $3
  ON CONFLICT (tenant, context, shard, epoch, size) DO UPDATE SET cosigned = true`, [log.tenant, size, log.context]));
const post = async (body: unknown, token = 'operator-token', path = '/v1/archive') => {
  const response = await fetch(`${running.address}${path}`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as ArchiveStep & { code?: string } };
};
const filled = async (count: number): Promise<LogKey> => {
  const log: LogKey = { tenant: uniqueTenant(), context: 'sales', shard: 0 };
  await store.append(log, unitsOf(log, count));
  return log;
};
const allOf = async (log: LogKey, query = ''): Promise<EventView[]> => ((await running.json(`/v1/logs/${log.context}/${log.shard}/events?tenant=${log.tenant}&limit=1000${query}`)) as { events: EventView[] }).events;

describe('POST /v1/archive', () => {
  it('moves one segment a call until it is done, tells of each, and changes nothing that is read', async () => {
    const log = await filled(250);
    await cosign(log, 240);
    const before = await allOf(log);
    const wish = { tenant: log.tenant, log: 'sales/0', through: 230, segmentEvents: 100 };
    const steps: ArchiveStep[] = [];
    do steps.push((await post(wish)).body); while (!steps.at(-1)!.done);
    expect(steps.map(({ archivedThrough, segment, done }) => [archivedThrough, segment?.from, segment?.to, done])).toEqual([[100, 1, 100, false], [200, 101, 200, false], [230, 201, 230, true]]);
    expect(steps[0]).toMatchObject({ tenant: log.tenant, log: 'sales/0', head: 250, provenThrough: 240 });
    expect(await allOf(log)).toEqual(before);
    const facts = await allOf({ ...log, context: 'backbone' });
    expect(facts.map(({ envelope, data }) => [envelope.type, data])).toEqual(steps.map(({ segment }) => ['backbone.range.archived', { context: 'sales', shard: 0, ...segment }]));
    expect((await post(wish)).body).toMatchObject({ archivedThrough: 230, done: true });
    expect(await allOf({ ...log, context: 'backbone' })).toHaveLength(3);
    const found = (await running.json(`/v1/events/${before[6]!.envelope.id}?tenant=${log.tenant}`)) as EventView;
    expect(found).toEqual(before[6]);
  });

  it('takes up what was interrupted after the manifest, and tells of it once', async () => {
    const log = await filled(120);
    await cosign(log, 120);
    const archive = PgEventStore.connect({ url: events.urlAs('millrace_backbone', PASSWORD), applicationName: 'killed', segmentsDir: running.segmentsDir });
    await archive.archive().next(log, { through: 120, segmentEvents: 100 });
    await archive.close();
    const { body } = await post({ tenant: log.tenant, log: 'sales/0', through: 100 });
    expect(body).toMatchObject({ archivedThrough: 100, done: true, segment: { from: 1, to: 100 } });
    const thin = await withClient(events.url, (owner) => owner.query<{ n: number }>('SELECT count(*)::integer AS n FROM millrace.event WHERE tenant = $1 AND data IS NULL', [log.tenant]));
    expect([thin.rows[0]!.n, await allOf({ ...log, context: 'backbone' })]).toEqual([100, [expect.objectContaining({ data: expect.objectContaining({ from: 1, to: 100 }) })]]);
  });

  it('refuses what is unproven, beyond the head, unknown or malformed', async () => {
    const log = await filled(10);
    const wish = { tenant: log.tenant, log: 'sales/0', through: 8 };
    expect(await post(wish)).toMatchObject({ status: 409, body: { code: 'archive-unproven' } });
    expect(await post({ ...wish, through: 11 })).toMatchObject({ status: 400, body: { code: 'archive-beyond-head' } });
    expect(await post({ ...wish, log: 'sales/7' })).toMatchObject({ status: 404, body: { code: 'log-unknown' } });
    for (const wrong of [{ through: 0 }, { through: 1.5 }, { segmentEvents: 1 }, { log: 'nowhere' }, { tenant: 'No' }, { extra: 1 }]) expect((await post({ ...wish, ...wrong })).status).toBe(400);
    expect((await post(wish, 'not-a-token')).status).toBe(401);
  });

  it('fills a stream that was lost from the segments, event by event', async () => {
    const log = await filled(150);
    const standing = async () => ((await running.json(`/v1/logs?tenant=${log.tenant}`)) as { logs: { log: string; epoch: number; relayed: number }[] }).logs.find((one) => one.log === 'sales/0');
    const { epoch } = (await eventually('relayed', async () => { const found = await standing(); return found?.relayed === 150 && found; }));
    await cosign(log, 150);
    while (!(await post({ tenant: log.tenant, log: 'sales/0', through: 150 })).body.done);
    const nc = await connect({ servers: natsUrl() });
    const jsm = await jetstreamManager(nc);
    const stream = streamNameOf(log, epoch);
    await jsm.streams.delete(stream);
    await eventually('filled again', async () => (await jsm.streams.info(stream).catch(() => undefined))?.state.last_seq === 150);
    const shown = await allOf(log);
    for (const seq of [1, 75, 150]) {
      const message = await jsm.streams.getMessage(stream, { seq });
      const { envelope, leaf } = decodeMessage(log, epoch, seq, message!.data);
      expect([envelope, Buffer.from(leaf).toString('hex')]).toEqual([shown[seq - 1]!.envelope, shown[seq - 1]!.leaf]);
    }
    await nc.close();
  });
});

describe('POST /v1/archive/redactions', () => {
  const follow = (body: unknown, token?: string) => post(body, token, '/v1/archive/redactions');

  it('puts an archived event\'s body back into its row, once, and leaves one that is not archived alone', async () => {
    const log = await filled(110);
    await cosign(log, 110);
    await post({ tenant: log.tenant, log: 'sales/0', through: 100 });
    const [first, last] = [(await allOf(log))[6]!, (await allOf(log))[109]!];
    const ask = (id: string) => follow({ tenant: log.tenant, eventId: id });
    expect(await ask(first.envelope.id)).toEqual({ status: 200, body: { tenant: log.tenant, log: 'sales/0', position: 7, refilled: true } });
    expect(await ask(first.envelope.id)).toMatchObject({ body: { refilled: false } });
    expect(await ask(last.envelope.id)).toEqual({ status: 200, body: { tenant: log.tenant, log: 'sales/0', position: 110, refilled: false } });
    expect((await allOf(log))[6]).toEqual(first);
  });

  it('refuses who may not, what is not there, and what it does not understand', async () => {
    const wish = { tenant: uniqueTenant(), eventId: 'e-1' };
    expect((await follow(wish, 'not-a-token')).status).toBe(401);
    expect(await follow(wish)).toMatchObject({ status: 404, body: { code: 'event-unknown' } });
    for (const wrong of [{ eventId: '' }, { eventId: 'x'.repeat(201) }, { tenant: 'No' }, { extra: 1 }]) expect((await follow({ ...wish, ...wrong })).status).toBe(400);
  });
});

describe('GET /v1/snapshots', () => {
  it('tells the age of the oldest open snapshot and alerts beyond the threshold', async () => {
    const watchful = await runBackbone({ eventsUrl: events.urlAs('millrace_backbone', PASSWORD), natsUrl: natsUrl(), snapshotAlertMs: 1 });
    await withClient(events.url, async (holder) => {
      await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await holder.query('SELECT count(*) FROM millrace.log_head');
      const held = await eventually('an alert', async () => {
        const shown = (await watchful.json('/v1/snapshots')) as { alert: boolean; snapshotSeconds: number; thresholdSeconds: number; complete: boolean };
        return shown.alert && shown;
      });
      expect(held).toMatchObject({ thresholdSeconds: 0.001, complete: true });
      expect(held.snapshotSeconds).toBeGreaterThan(0.001);
      expect(await running.json('/v1/snapshots')).toMatchObject({ alert: false, thresholdSeconds: 60 });
      await holder.query('COMMIT');
    });
    await watchful.close();
  });
});
