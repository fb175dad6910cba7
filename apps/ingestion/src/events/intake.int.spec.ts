import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listSealed } from '@millrace/privacy';
import type { Json, StoredEvent } from '@millrace/kernel';
import { natsUrl, uniqueTenant } from '@millrace/testing';
import { freshEventDatabase, runIngestion, type RunningIngestion, type Servers } from '../testing.ts';

const BATCH = 'application/cloudevents-batch+json';
const now = new Date().toISOString();

const WAYS: [string, Servers['limits']][] = [['the thread that listens', { threads: 0 }], ['threads', { threads: 2, threadBytes: 0 }]];

describe.each(WAYS)('intake by %s', (_, limits) => {
  const tenant = uniqueTenant();
  let running: RunningIngestion;
  let key: string;
  beforeAll(async () => {
    running = await runIngestion({ events: await freshEventDatabase(), natsUrl: natsUrl(), limits });
    key = await running.source({ tenant, name: 'shop', recordOf: ['sales', 'customer', 'inventory', 'merchandise'] });
  });
  afterAll(async () => {
    await running.close();
    await running.events.drop();
  });

  interface Answer { readonly outcomes: readonly Record<string, Json>[]; readonly dropped: number; readonly code?: string; readonly status?: number; readonly detail?: string; readonly title?: string }

  const post = async (body: string | Buffer, headers: Record<string, string> = {}, of = key) => {
    const response = await fetch(`${running.address}/v1/events`, { method: 'POST', headers: { 'content-type': BATCH, authorization: `Bearer ${of}`, ...headers }, body: new Uint8Array(Buffer.from(body)) });
    return { status: response.status, headers: response.headers, body: (await response.json()) as Answer };
  };
  const send = (events: readonly object[], of = key) => post(JSON.stringify(events), {}, of);

  let serial = 0;
  const page = (data: object = {}, more: object = {}) => ({ specversion: '1.0', id: `page-${serial += 1}`, source: '/web', type: 'clickstream.page.viewed', time: now, data: { sessionId: 's-1', path: '/', ...data }, ...more });
  const profile = (customer: object, more: object = {}) => page({}, { type: 'customer.profile.registered', data: { customer }, ...more });
  const read = async (context: 'clickstream' | 'customer' | 'inventory', position: number): Promise<StoredEvent> => (await running.reader.read({ tenant, context, shard: 0 }, position - 1, 1))[0]!;
  const dataOf = (event: StoredEvent): Record<string, Json> => JSON.parse(Buffer.from(event.data).toString('utf8')) as Record<string, Json>;

  describe('POST /v1/events', () => {
    it('stores a batch over several logs and answers with places', async () => {
      const [click, customer] = [page({ title: 'Home' }), profile({ number: 'N-100200', name: 'Ann Example' })];
      const { status, body } = await send([click, customer]);
      expect(status).toBe(202);
      expect(body).toEqual({ dropped: 0, outcomes: [
        { index: 0, id: click.id, outcome: 'accepted', log: 'clickstream/0', position: expect.any(Number) },
        { index: 1, id: customer.id, outcome: 'accepted', log: 'customer/0', position: expect.any(Number) },
      ] });
      const stored = await read('customer', body.outcomes[1]!['position'] as number);
      expect(stored.envelope).toMatchObject({ id: customer.id, via: 'shop', tenant, subject: running.subjects.made.at(-1) });
      expect(JSON.stringify([stored.envelope, dataOf(stored)])).not.toMatch(/Ann|100200/);
      expect(listSealed(dataOf(stored))).toHaveLength(2);
    });

    it('answers a repeated request with the first positions, and adds nothing', async () => {
      const events = [page(), profile({ number: 'N-300400', email: 'Bo@Shop.example', phone: '+49 30 55 55 55' })];
      const first = await send(events);
      const made = running.subjects.made.length;
      const again = await send(events);
      expect(again.status).toBe(202);
      expect(again.body.outcomes).toEqual(first.body.outcomes.map((outcome) => ({ ...outcome, outcome: 'duplicate' })));
      expect(running.subjects.made).toHaveLength(made);
    });

    it('stores an event once that stands twice in one request', async () => {
      const event = page();
      const { body } = await send([event, event]);
      expect(body.outcomes.map(({ outcome }) => outcome)).toEqual(['accepted', 'duplicate']);
      expect(body.outcomes[0]!['position']).toBe(body.outcomes[1]!['position']);
    });

    it('stores once what six clients send at the same time', async () => {
      const events = Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? page() : profile({ number: `N-88${n}0${n}`, name: 'Ann Example' })));
      const answers = await Promise.all(Array.from({ length: 6 }, () => send(events)));
      const outcomes = answers.flatMap(({ body }) => body.outcomes);
      expect(outcomes.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(60);
      expect(outcomes.filter(({ outcome }) => outcome === 'duplicate')).toHaveLength(300);
      expect(new Set(outcomes.map(({ log, position }) => `${JSON.stringify(log)} ${JSON.stringify(position)}`)).size).toBe(60);
    });

    it('refuses a known id with another body, whether the person is known or not', async () => {
      const event = profile({ number: 'N-500600' });
      const { body: { outcomes: [first] } } = await send([event]);
      for (const customer of [{ number: 'N-500600', name: 'Other' }, { number: 'N-999999' }]) {
        const { status, body } = await send([{ ...event, data: { customer } }]);
        expect(status).toBe(422);
        expect(body.outcomes[0]).toMatchObject({ outcome: 'rejected', code: 'id-conflict', pointer: '/id', reason: expect.stringContaining(`position ${JSON.stringify(first!['position'])}`) });
      }
    });

    it('reads structured, binary and gzip', async () => {
      const structured = await post(JSON.stringify(page()), { 'content-type': 'application/cloudevents+json; charset=UTF8' });
      const binary = await post('{"sessionId":"s","path":"/x"}', { 'content-type': 'application/json', 'ce-specversion': '1.0', 'ce-id': 'bin-1', 'ce-source': '/web', 'ce-type': 'clickstream.page.viewed', 'ce-correlationid': 'Caf%C3%A9' });
      const zipped = await post(gzipSync(JSON.stringify([page()])), { 'content-encoding': 'gzip' });
      expect([structured.status, binary.status, zipped.status]).toEqual([202, 202, 202]);
      expect((await read('clickstream', binary.body.outcomes[0]!['position'] as number)).envelope).toMatchObject({ id: 'bin-1', correlationid: 'Café' });
    });

    it('drops unnamed fields and counts them', async () => {
      const { body } = await send([page({ password: 'hunter2', utm: { a: 1 } }, { comexample: 'x' })]);
      expect(body.dropped).toBe(3);
      expect(JSON.stringify(dataOf(await read('clickstream', body.outcomes[0]!['position'] as number)))).toBe('{"sessionId":"s-1","path":"/"}');
    });

    it('corrects a clock that is a day ahead', async () => {
      const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
      const { body } = await send([page({}, { time: tomorrow, senttime: tomorrow })]);
      const { envelope } = await read('clickstream', body.outcomes[0]!['position'] as number);
      expect(envelope.producertime).toBe(tomorrow);
      expect(Math.abs(Date.parse(envelope.time) - Date.now())).toBeLessThan(60_000);
    });
  });

  describe('a mixed batch', () => {
    const sound = JSON.stringify(page());
    const withData = (data: string) => JSON.stringify(page()).replace('{"sessionId":"s-1","path":"/"}', data);
    const bad: [string, string, string, string][] = [
      ['too deep', 'too-deep', '', withData(`${'['.repeat(40)}${']'.repeat(40)}`)],
      ['10,000 fields', 'too-many-members', '', withData(JSON.stringify(Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`f${n}`, n]))))],
      ['a NUL', 'nul-character', '/data/path', withData('{"sessionId":"s","path":"/\\u0000"}')],
      ['a lone surrogate', 'lone-surrogate', '/data/path', withData('{"sessionId":"s","path":"/\\ud800"}')],
      ['a duplicate key', 'duplicate-key', '/data/path', withData('{"sessionId":"s","path":"/","path":"/x"}')],
      ['a huge number', 'number-not-exact', '/data/n', withData('{"sessionId":"s","path":"/","n":1e999}')],
      ['an integer beyond 2^53', 'number-not-exact', '/data/n', withData('{"sessionId":"s","path":"/","n":9007199254740993}')],
      ['an unknown type', 'type-unknown', '/type', JSON.stringify(page({}, { type: 'clickstream.page.sniffed' }))],
      ['an unknown version', 'version-unknown', '/version', JSON.stringify(page({}, { version: 7 }))],
      ['a future time', 'time-in-future', '/time', JSON.stringify(page({}, { time: '2099-01-01T00:00:00Z' }))],
      ['an ancient time', 'time-too-early', '/time', JSON.stringify(page({}, { time: '1999-01-01T00:00:00Z' }))],
      ['invalid data', 'data-invalid', '/data/path', withData('{"sessionId":"s","path":17}')],
      ['another tenant', 'tenant-not-granted', '/tenant', JSON.stringify(page({}, { tenant: 'other' }))],
      ['an e-mail address as id', 'personal-in-envelope', '/id', JSON.stringify(page({}, { id: 'ann@shop.example' }))],
      ['an e-mail address as session', 'personal-in-clear', '/data/sessionId', JSON.stringify(page({ sessionId: 'ann@shop.example' }))],
      ['a refund below zero', 'data-invalid', '/data/amount', JSON.stringify(page({}, { type: 'sales.refund.issued', data: { refundId: 'r', orderId: 'o', amount: '-10.00', currency: 'EUR' } }))],
      ['an id too long in bytes', 'attribute-malformed', '/id', JSON.stringify(page({}, { id: 'é'.repeat(150) }))],
      ['a stored event over the limit', 'event-too-large', '/data', JSON.stringify(page({}, { type: 'sales.order.placed', data: { orderId: 'big', currency: 'EUR', lines: Array.from({ length: 2300 }, (_, n) => ({ lineNo: n + 1, productId: 'p', description: 'd'.repeat(200), quantity: 1, unitPrice: '1', kind: 'product', placedAt: now })) } }))],
    ];

    it.each(bad)('stores the good events and names the one with %s', async (_, code, pointer, text) => {
      const { status, body } = await post(`[${sound.replace('page-', `good-${serial += 1}-`)},${text},${sound.replace('page-', `fine-${serial}-`)}]`);
      expect(status).toBe(202);
      expect(body.outcomes.map(({ outcome }) => outcome)).toEqual(['accepted', 'rejected', 'accepted']);
      expect(body.outcomes[1]).toMatchObject({ index: 1, code, pointer, reason: expect.any(String) });
    });

    it.each(bad)('answers 422 with a problem when the one event has %s', async (_, code, pointer, text) => {
      const { status, headers, body } = await post(`[${text}]`);
      expect([status, headers.get('content-type')]).toEqual([422, expect.stringContaining('application/problem+json')]);
      expect(body).toMatchObject({ code: 'all-events-rejected', detail: expect.any(String), outcomes: [{ outcome: 'rejected', code, pointer }] });
    });
  });

  describe('a request that can\'t be read, or may not be made', () => {
    const one = JSON.stringify([page()]);
    it.each<[string, number, string, string | Buffer, Record<string, string>]>([
      ['a wrong content type', 415, 'content-type-unsupported', one, { 'content-type': 'text/csv' }],
      ['JSON that is no CloudEvent by its type', 415, 'content-type-unsupported', one, { 'content-type': 'application/json' }],
      ['an unknown content encoding', 415, 'content-encoding-unsupported', one, { 'content-encoding': 'br' }],
      ['what is not JSON', 400, 'not-json', '[{"id":', {}],
      ['what is not UTF-8', 400, 'not-utf8', Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]), {}],
      ['no body', 400, 'not-json', '', {}],
      ['a body over the limit', 413, 'body-too-large', Buffer.alloc(4 * 1024 * 1024 + 1, 0x20), {}],
      ['a gzip bomb', 413, 'body-too-large', gzipSync(Buffer.alloc(100 * 1024 * 1024, 0x20)), { 'content-encoding': 'gzip' }],
      ['broken gzip', 400, 'gzip-malformed', Buffer.from('nope'), { 'content-encoding': 'gzip' }],
      ['too many events', 413, 'events-too-many', `[${Array.from({ length: 501 }, () => '{}').join()}]`, {}],
      ['no event', 422, 'no-events', '[]', {}],
      ['no key', 401, 'source-key-unknown', one, { authorization: '' }],
      ['a wrong key', 401, 'source-key-unknown', one, { authorization: `Bearer msk_${'A'.repeat(43)}` }],
      ['an operator\'s token', 401, 'source-key-unknown', one, { authorization: 'Bearer operator-token' }],
      ['a wrong key, whatever else is wrong', 401, 'source-key-unknown', Buffer.alloc(4 * 1024 * 1024 + 1, 0x20), { authorization: 'Bearer x', 'content-type': 'text/csv' }],
      ['another tenant in the header', 403, 'tenant-not-granted', one, { 'millrace-tenant': 'other' }],
    ])('is refused for %s', async (_, status, code, body, headers) => {
      const answer = await post(body, headers);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(answer.body).toMatchObject({ status, title: expect.any(String), detail: expect.stringMatching(/\w{3}/) });
    });

    it('keeps an answer free of what the request held', async () => {
      const { body } = await post('[{"name":"Ann Example" oops}]');
      expect(JSON.stringify(body)).not.toContain('Ann');
    });
  });

  describe('what a key may bring', () => {
    it('holds a tracker to clickstream', async () => {
      const tracker = await running.source({ tenant, name: 'tracker' });
      const { status, body } = await send([page(), profile({ number: 'N-700800' })], tracker);
      expect(status).toBe(202);
      expect(body.outcomes.map(({ outcome, code }) => code ?? outcome)).toEqual(['accepted', 'context-not-granted']);
    });

    it('holds a key to its types and to its times', async () => {
      const narrow = await running.source({ tenant, name: 'history', types: ['sales.*', 'clickstream.page.*'], earliest: '1990-01-01T00:00:00Z' });
      const { body } = await send([page({}, { type: 'clickstream.search.performed', data: { sessionId: 's', query: 'mugs' } }), page({}, { time: '1991-05-05T05:05:05Z' })], narrow);
      expect(body.outcomes.map(({ outcome, code }) => code ?? outcome)).toEqual(['type-not-granted', 'accepted']);
    });

    it('keeps tenants apart: the same id is new in another', async () => {
      const other = await running.source({ tenant: uniqueTenant(), name: 'shop' });
      const event = page();
      expect([(await send([event])).body.outcomes[0]!['outcome'], (await send([event], other)).body.outcomes[0]!['outcome']]).toEqual(['accepted', 'accepted']);
    });

    it('refuses a revoked key with 403 at once, and its name can have a new one', async () => {
      const old = await running.source({ tenant, name: 'short-lived' });
      expect((await send([page()], old)).status).toBe(202);
      expect((await running.admin('DELETE', `/v1/sources/short-lived?tenant=${tenant}`)).status).toBe(204);
      expect(await send([page()], old)).toMatchObject({ status: 403, body: { code: 'source-key-revoked' } });
      const fresh = await running.source({ tenant, name: 'short-lived' });
      expect((await send([page()], fresh)).status).toBe(202);
    });
  });

  describe('accounting and rejects', () => {
    it('adds up per source, conflicts and duplicates included, and lists rejects without bodies', async () => {
      const own = uniqueTenant();
      const counted = await running.source({ tenant: own, name: 'counted', recordOf: ['customer'] });
      const [a, b] = [page(), profile({ number: 'N-121212', name: 'Ann Example' })];
      await send([a, b, page({ path: 'no slash' })], counted);
      await send([a, { ...b, data: { customer: { number: 'N-121212', name: 'Bo' } } }, page()], counted);
      const sums = (await (await running.admin('GET', `/v1/accounting?tenant=${own}`)).json()) as object;
      expect(sums).toEqual({ sources: [{ tenant: own, source: 'counted', received: 6, accepted: 3, duplicate: 1, rejected: 2, unanswered: 0 }] });
      const text = await (await running.admin('GET', `/v1/rejects?tenant=${own}&limit=10`)).text();
      const { rejects } = JSON.parse(text) as { rejects: { code: string; via: string }[] };
      expect(rejects.map(({ code }) => code).toSorted()).toEqual(['data-invalid', 'id-conflict']);
      expect(text).not.toMatch(/Ann|Bo"|no slash|"body"/);
    });
  });
});
