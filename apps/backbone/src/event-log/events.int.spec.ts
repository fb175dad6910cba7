import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { leafOf } from '@millrace/event-bus';
import { PgEventStore } from '@millrace/event-store';
import type { Envelope, LogKey } from '@millrace/kernel';
import { freshDatabase, natsUrl, uniqueTenant, withClient, type TestDatabase } from '@millrace/testing';
import { idsOf, PASSWORD, prepared, runBackbone, unitsOf, type RunningBackbone } from '../testing.ts';
import type { EventView } from './event-view.ts';

const tenant = uniqueTenant();
const sales: LogKey = { tenant, context: 'sales', shard: 0 };
const SEALED = { $sealed: { subject: 'sub_00112233445566778899aabbccddeeff', purpose: 'contact', epoch: 1, path: '/email', typeVersion: 1, box: 'AAECAwQFBgcICQoLDA0ODw' } };

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

const page = async (log: LogKey, query = ''): Promise<EventView[]> => ((await running.json(`/v1/logs/${log.context}/${log.shard}/events?tenant=${log.tenant}${query}`)) as { events: EventView[] }).events;
const positions = (views: readonly EventView[]): number[] => views.map(({ position }) => position);
const upTo = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);

describe('a log read page by page', () => {
  it('is dense and in order, whatever the size of the pages, and while it grows', async () => {
    const log = { ...sales, shard: 1 };
    const units = unitsOf(log, 250);
    await store.append(log, units.slice(0, 130));
    const seen: EventView[] = [];
    for (const limit of [1, 100, 7, 22, 1000, 1000]) {
      const next = await page(log, `&after=${seen.length}&limit=${limit}`);
      expect(next.length).toBeLessThanOrEqual(limit);
      seen.push(...next);
      if (seen.length === 130) await store.append(log, units.slice(130));
    }
    expect(positions(seen)).toEqual(upTo(1, 250));
    // Order between streams is the appender's choice: each event is there once.
    expect(seen.map(({ envelope }) => envelope.id).toSorted()).toEqual(idsOf(units).toSorted());
  });

  it('has a hundred events a page unless told', async () => {
    expect(positions(await page({ ...sales, shard: 1 }))).toEqual(upTo(1, 100));
  });

  it('ends early when the events are large, and goes on from there', async () => {
    const log = { ...sales, shard: 2 };
    await store.append(log, unitsOf(log, 24, () => ({ text: 'x'.repeat(500_000) })));
    const seen: number[] = [];
    const sizes: number[] = [];
    while (seen.length < 24) {
      const next = positions(await page(log, `&after=${seen.length}&limit=1000`));
      sizes.push(next.length);
      seen.push(...next);
    }
    expect(seen).toEqual(upTo(1, 24));
    // 8 MiB hold sixteen such events and the one that passes the bound.
    expect(sizes).toEqual([17, 7]);
  });

  it.each([['of another tenant', { shard: 1, tenant: uniqueTenant() }], ['without events', { shard: 9999 }]])('%s is not there: it begins with its first event', async (_, other) => {
    const log = { ...sales, ...other };
    const response = await running.get(`/v1/logs/sales/${log.shard}/events?tenant=${log.tenant}`);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([404, 'log-unknown']);
  });

  it('under a filter shows what fits, and how far it looked', async () => {
    const log = { ...sales, shard: 3 };
    const subject = `sub_${'ab'.repeat(16)}`;
    const units = unitsOf(log, 6).map((unit, n) => ({ ...unit, events: unit.events.map((event) => ({ ...event, envelope: { ...event.envelope, ...(n % 2 === 0 ? { subject } : {}), type: n < 4 ? 'sales.order.placed' : 'sales.order.cancelled' } })) }));
    for (const unit of units) await store.append(log, [unit]);
    const filtered = async (query: string) => {
      const { events: shown, through } = (await running.json(`/v1/logs/sales/3/events?tenant=${tenant}${query}`)) as { events: EventView[]; through: number };
      return [positions(shown), through];
    };
    expect(await filtered('')).toEqual([[1, 2, 3, 4, 5, 6], 6]);
    expect(await filtered(`&subject=${subject}`)).toEqual([[1, 3, 5], 6]);
    expect(await filtered(`&subject=${subject}&type=sales.order.cancelled`)).toEqual([[5], 6]);
    expect(await filtered(`&subject=${subject}&limit=1&after=1`)).toEqual([[3], 3]);
    expect(await filtered('&type=sales.order.returned')).toEqual([[], 6]);
    expect(await filtered('&after=6')).toEqual([[], 6]);
  });
});

describe('a stream', () => {
  const stream = 'sales.order/of/many #1';
  const ask = (query: string) => running.get(`/v1/streams?tenant=${tenant}&${query}`);

  it('is read from a version on, whatever its name', async () => {
    const log = { ...sales, shard: 4 };
    const units = unitsOf(log, 3).map((unit) => ({ ...unit, stream, events: unit.events.map((event) => ({ ...event, envelope: { ...event.envelope, stream } })) }));
    for (const unit of units) await store.append(log, [unit]);
    const shown = (await (await ask(`stream=${encodeURIComponent(stream)}&after=1&limit=5`)).json()) as { events: EventView[] };
    expect(shown.events.map(({ log: name, streamVersion, envelope }) => [name, streamVersion, envelope.id])).toEqual(units.slice(1).map((unit, n) => ['sales/4', n + 2, unit.events[0]!.envelope.id]));
    expect(await (await ask(`stream=${encodeURIComponent(stream)}&after=3`)).json()).toEqual({ events: [] });
  });

  it.each([
    ['stream=sales.order/none', 404, 'stream-unknown'], ['stream=nonsense', 400, 'stream-name-malformed'], [`stream=sales.order/${'x'.repeat(200)}`, 400, 'stream-name-malformed'],
    ['stream=rubbish.order/1', 400, 'stream-name-malformed'], ['stream=sales.order/a%00', 400, 'stream-name-malformed'], ['after=1', 400, 'parameters-invalid'],
  ])('?%s is answered %d', async (query, status, code) => {
    const response = await ask(query);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([status, code]);
  });
});

describe('one event by its id', () => {
  const view = async (id: string): Promise<EventView> => (await running.json(`/v1/events/${encodeURIComponent(id)}?tenant=${tenant}`)) as EventView;

  it('has its data as stored, sealed fields sealed, and a leaf that can be computed from what is shown', async () => {
    const log: LogKey = { tenant, context: 'customer', shard: 0 };
    const data = { customer: { ref: SEALED.$sealed.subject, email: SEALED }, note: 'Ünïcode ✓', amount: '12.340' };
    const [unit] = unitsOf(log, 1, () => data);
    await store.append(log, [unit!]);
    const shown = await view(idsOf([unit!])[0]!);
    expect(shown).toMatchObject({ log: 'customer/0', position: 1, epoch: (await store.head(log))!.epoch, streamVersion: 1, envelope: unit!.events[0]!.envelope, data });
    // Its members are in the order of RFC 8785 once sorted; its values are plain text and numbers.
    const envelope: Envelope = shown.envelope;
    const canonical = JSON.stringify(Object.fromEntries(Object.entries(envelope).toSorted(([a], [b]) => (a < b ? -1 : 1))));
    expect(Buffer.from(leafOf(Buffer.from(canonical), Buffer.from(shown.salt, 'hex'), unit!.events[0]!.data)).toString('hex')).toBe(shown.leaf);
  });

  it('is found in any log of its tenant, and counts on within its stream', async () => {
    const log: LogKey = { tenant, context: 'inventory', shard: 7 };
    const [first, second] = unitsOf(log, 2);
    const { stream } = first!;
    const later = { ...second!, stream, events: second!.events.map((event) => ({ ...event, envelope: { ...event.envelope, stream } })) };
    await store.append(log, [first!, later]);
    expect(await view(idsOf([later])[0]!)).toMatchObject({ log: 'inventory/7', position: 2, streamVersion: 2 });
  });

  it.each(['ord/17?x=1&y#z', 'Ünïcode ✓', '..', '%2F', 'x'.repeat(200), '\'; drop table millrace.event; --'])('may be %j', async (id) => {
    const [unit] = unitsOf(sales, 1);
    const named = { ...unit!, events: unit!.events.map((event) => ({ ...event, envelope: { ...event.envelope, id } })) };
    expect(await store.append(sales, [named])).toEqual([expect.objectContaining({ kind: 'appended' })]);
    const response = id === '..' ? undefined : await view(id);
    expect(response?.envelope.id ?? '..').toBe(id);
  });

  it('of another tenant is not there', async () => {
    const [unit] = unitsOf(sales, 1);
    await store.append(sales, [unit!]);
    const [id] = idsOf([unit!]);
    expect((await running.get(`/v1/events/${id}?tenant=${tenant}`)).status).toBe(200);
    const response = await running.get(`/v1/events/${id}?tenant=${uniqueTenant()}`);
    expect([response.status, response.headers.get('content-type')]).toEqual([404, expect.stringContaining('application/problem+json')]);
    expect(await response.json()).toEqual({
      type: 'urn:millrace:problem:event-unknown', title: 'Not found', status: 404, code: 'event-unknown', detail: 'No event of this tenant has that id. Check id and tenant.', traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
  });

  it.each([['a%00b', 'event-id-malformed'], ['x'.repeat(201), 'event-id-malformed'], ['%C3%A9'.repeat(101), 'event-id-malformed']])('%s can\'t be one', async (id, code) => {
    const response = await running.get(`/v1/events/${id}?tenant=${tenant}`);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([400, code]);
  });
});

describe('every question', () => {
  it.each(['/v1/logs', `/v1/streams?tenant=${tenant}&stream=sales.order/1`, `/v1/logs/sales/0/events?tenant=${tenant}`, `/v1/events/e?tenant=${tenant}`, '/v1/accounting'])('%s wants a token', async (path) => {
    for (const response of [await running.get(path, 'not-a-token'), await fetch(`${running.address}${path}`)]) {
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    }
  });

  it.each(['after=', 'after=-1', 'after=1e3', 'limit=0', 'limit=1001', 'after=1&after=2', 'form=1', 'type=order', 'subject=17850', 'subject='])('refuses ?%s', async (query) => {
    const response = await running.get(`/v1/logs/sales/0/events?tenant=${tenant}&${query}`);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([400, 'parameters-invalid']);
  });

  it('is only ever a question: nothing can be written', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const response = await fetch(`${running.address}/v1/events/e-1?tenant=${tenant}`, { method, headers: { authorization: 'Bearer operator-token' } });
      expect(response.status).toBe(404);
    }
  });
});

describe('GET /v1/rejects/:id', () => {
  it('shows both bodies of a conflict, the first also after it was counted as rejected once', async () => {
    const log: LogKey = { tenant: uniqueTenant(), context: 'sales', shard: 0 };
    const [unit] = unitsOf(log, 1, () => ({ total: 'first' }));
    const [event] = unit!.events;
    const other = { ...unit!, events: [{ envelope: { ...event!.envelope, fingerprint: 'ff'.repeat(32) }, data: Buffer.from('{"total":"second"}') }] };
    await store.append(log, [unit!]);
    for (let sent = 0; sent < 2; sent += 1) expect(await store.append(log, [other], { countAs: 'intake' })).toMatchObject([{ kind: 'conflict', position: 1 }]);
    const [kept, ...more] = await store.listRejects(log.tenant, 10);
    expect(more).toEqual([]);
    const path = `/v1/rejects/${kept!.rejectId}`;
    expect(await running.json(`${path}?tenant=${log.tenant}`)).toEqual({ rejectId: kept!.rejectId, eventId: event!.envelope.id, body: { total: 'second' }, firstBody: { total: 'first' } });
    expect(await running.json(`${path}?tenant=${uniqueTenant()}`)).toMatchObject({ status: 404, code: 'reject-unknown' });
    expect(await running.json(`/v1/rejects/${'x'.repeat(65)}?tenant=${log.tenant}`)).toMatchObject({ status: 400, code: 'reject-id-malformed' });
  });
});

describe('GET /v1/accounting', () => {
  it('sums each source over appends, duplicates, conflicts and receipts, per tenant, and a fold changes no sum', async () => {
    const [shop, other] = [uniqueTenant(), uniqueTenant()];
    const log: LogKey = { tenant: shop, context: 'sales', shard: 0 };
    const units = [...unitsOf(log, 6, undefined, 'web'), ...unitsOf(log, 4, undefined, 'till')];
    await store.recordReceipt(shop, 'web', 5);
    await store.recordReceipt(shop, 'web', 7);
    await store.recordReceipt(shop, 'till', 4);
    await store.append(log, units, { countAs: 'intake' });
    await store.append(log, units.slice(0, 3), { countAs: 'intake' });
    const changed = { ...units[3]!, events: units[3]!.events.map((event) => ({ ...event, envelope: { ...event.envelope, fingerprint: 'ff'.repeat(32) } })) };
    await store.append(log, [changed], { countAs: 'intake' });
    await store.append({ ...log, tenant: other }, unitsOf({ ...log, tenant: other }, 2), { countAs: 'intake' });
    const sums = { sources: [
      { tenant: shop, source: 'till', received: 4, accepted: 4, duplicate: 0, rejected: 0, unanswered: 0 },
      { tenant: shop, source: 'web', received: 12, accepted: 6, duplicate: 3, rejected: 1, unanswered: 2 },
    ] };
    expect(await running.json(`/v1/accounting?tenant=${shop}`)).toEqual(sums);
    const deltas = (): Promise<number> => withClient(events.url, async (client) => (await client.query<{ n: number }>('select count(*)::int as n from millrace.intake_count where tenant = $1', [shop])).rows[0]!.n);
    const before = await deltas();
    const relaying = PgEventStore.connect({ url: events.urlAs('millrace_backbone', PASSWORD), applicationName: 'spec' });
    expect(await relaying.compactCounts()).toBeGreaterThan(0);
    await relaying.close();
    // One row per source and outcome is left.
    expect([before > 6, await deltas()]).toEqual([true, 6]);
    expect(await running.json(`/v1/accounting?tenant=${shop}`)).toEqual(sums);
    const all = (await running.json('/v1/accounting')) as { sources: { tenant: string }[] };
    expect(all.sources.filter(({ tenant: of }) => of === shop || of === other)).toHaveLength(3);
  });
});
