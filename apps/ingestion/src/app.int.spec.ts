import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { askJson } from '@millrace/event-bus';
import { natsUrl, uniqueTenant } from '@millrace/testing';
import { CONSOLE, freshEventDatabase, runIngestion, type RunningIngestion } from './testing.ts';

const tenant = uniqueTenant();

let running: RunningIngestion;
let key: string;
beforeAll(async () => {
  running = await runIngestion({ events: await freshEventDatabase(), natsUrl: natsUrl() });
  key = await running.source({ tenant, name: 'shop', recordOf: ['inventory'] });
});
afterAll(async () => {
  await running.close();
  await running.events.drop();
});

describe('sources', () => {
  it('shows a key once and lists none', async () => {
    const made = await running.admin('POST', '/v1/sources', { tenant, name: 'listed', types: ['clickstream.*'] });
    expect(made.status).toBe(201);
    const { key: shown } = (await made.json()) as { key: string };
    expect(shown).toMatch(/^msk_[A-Za-z0-9_-]{43}$/);
    const list = await (await running.admin('GET', `/v1/sources?tenant=${tenant}`, undefined, CONSOLE)).text();
    expect(list).toContain('"name":"listed","types":["clickstream.*"]');
    expect(list).not.toContain('msk_');
  });

  it.each<[string, string, unknown, number, string]>([
    ['POST', '/v1/sources', { tenant, name: 'shop' }, 409, 'source-exists'],
    ['POST', '/v1/sources', { tenant: 'Bad Tenant', name: 'x' }, 400, 'body-invalid'],
    ['POST', '/v1/sources', { tenant, name: 'x', recordOf: ['security'] }, 400, 'body-invalid'],
    ['POST', '/v1/sources', { tenant, name: 'x', types: ['sales.order.place'] }, 400, 'type-unknown'],
    ['POST', '/v1/sources', undefined, 415, 'content-type-unsupported'],
    ['DELETE', `/v1/sources/nobody?tenant=${tenant}`, undefined, 404, 'source-unknown'],
    ['GET', '/v1/sources', undefined, 400, 'parameters-invalid'],
    ['GET', `/v1/rejects?tenant=${tenant}&limit=9999`, undefined, 400, 'parameters-invalid'],
  ])('%s %s with %j is refused', async (method, path, body, status, code) => {
    const response = await running.admin(method, path, body);
    expect([response.status, ((await response.json()) as { code?: string }).code]).toEqual([status, code]);
  });

  it('lets only an operator make and revoke sources, and nobody list without a token', async () => {
    expect((await running.admin('POST', '/v1/sources', { tenant, name: 'nope' }, CONSOLE)).status).toBe(403);
    expect((await running.admin('DELETE', `/v1/sources/shop?tenant=${tenant}`, undefined, CONSOLE)).status).toBe(403);
    for (const path of ['/v1/sources', '/v1/rejects', '/v1/accounting']) expect((await running.admin('GET', `${path}?tenant=${tenant}`, undefined, 'wrong')).status).toBe(401);
  });
});

describe('stock over NATS', () => {
  const receive = async (productId: string, quantity: number): Promise<void> => {
    const event = { specversion: '1.0', id: `received-${productId}`, source: '/web', type: 'inventory.stock.received', time: new Date().toISOString(), data: { productId, quantity } };
    const response = await fetch(`${running.address}/v1/events`, { method: 'POST', headers: { 'content-type': 'application/cloudevents+json', authorization: `Bearer ${key}` }, body: JSON.stringify(event) });
    expect(response.status).toBe(202);
  };
  const reserve = (question: object) => askJson(running.link, 'cmd.inventory.reserve-stock', { tenant, productId: 'mug', ...question });

  it('promises stock to 20 at once and never more than there is', async () => {
    await receive('mug', 12);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => reserve({ quantity: 1, reservationId: `r-${n}` })));
    const outcomes = answers.map((answer) => (answer as { outcome: string }).outcome);
    expect(outcomes.toSorted()).toEqual([...Array.from({ length: 8 }, () => 'refused'), ...Array.from({ length: 12 }, () => 'reserved')]);
    expect(await reserve({ quantity: 1, reservationId: 'too-much' })).toEqual({ outcome: 'refused', productId: 'mug', reservationId: 'too-much', available: 0 });
  });

  it('refuses a reservation id that was used for another quantity', async () => {
    await receive('bowl', 5);
    await reserve({ productId: 'bowl', quantity: 1, reservationId: 'twice' });
    await expect(reserve({ productId: 'bowl', quantity: 4, reservationId: 'twice' })).rejects.toMatchObject({ kind: 'conflict', code: 'reservation-differs' });
  });

  it('takes ids as long as the contracts allow', async () => {
    await expect(reserve({ quantity: 1, reservationId: '字'.repeat(128) })).resolves.toMatchObject({ outcome: 'refused' });
    await expect(reserve({ quantity: 1, reservationId: '字'.repeat(129) })).rejects.toMatchObject({ code: 'parameters-invalid' });
  });

  it('answers a repeated reservation the same and stores it once, and gives back what is released', async () => {
    await receive('cup', 5);
    const question = { productId: 'cup', quantity: 4, reservationId: 'once', orderId: 'o-1' };
    expect(await reserve(question)).toEqual({ outcome: 'reserved', productId: 'cup', reservationId: 'once', available: 1 });
    expect(await reserve(question)).toEqual({ outcome: 'reserved', productId: 'cup', reservationId: 'once', available: 1 });
    expect(await running.store.readStream(tenant, 'inventory.stock/cup', 0, 10)).toHaveLength(2);
    expect(await askJson(running.link, 'cmd.inventory.release-stock', { tenant, productId: 'cup', reservationId: 'once' })).toMatchObject({ outcome: 'released', available: 5 });
    expect(await reserve(question)).toMatchObject({ outcome: 'refused', available: 5 });
  });

  it.each([{ quantity: 0, reservationId: 'x' }, { quantity: 1.5, reservationId: 'x' }, { quantity: 1 }, { quantity: 1, reservationId: 'x', tenant: 'Bad' }, { quantity: 1, reservationId: 'x', extra: 1 }])('refuses %j', async (question) => {
    await expect(reserve(question)).rejects.toMatchObject({ kind: 'invalid', code: 'parameters-invalid' });
  });
});

it.each(['GET', 'PUT', 'DELETE'])('answers %s where events are sent with 405 and the method to use', async (method) => {
  const response = await fetch(`${running.address}/v1/events`, { method, ...(method === 'PUT' ? { body: '[]' } : {}) });
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  expect(await response.json()).toMatchObject({ code: 'method-not-allowed', status: 405, detail: expect.stringContaining('POST'), traceId: expect.any(String) });
});

it('refuses a body for a source that is larger than any', async () => {
  const response = await running.admin('POST', '/v1/sources', { tenant, name: 'x', types: ['x'.repeat(100_000)] });
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([413, 'body-too-large']);
});

it('describes its interface as OpenAPI 3.1, without a token', async () => {
  const description = (await (await fetch(`${running.address}/openapi.json`)).json()) as { openapi: string; paths: Record<string, Record<string, { responses: object }>> };
  expect(description.openapi).toBe('3.1.0');
  expect(Object.keys(description.paths['/v1/events']!['post']!.responses)).toEqual(['202', '400', '401', '403', '413', '415', '422', '429', '503']);
  for (const [, reference] of JSON.stringify(description).matchAll(/"\$ref":"#\/components\/schemas\/([\w.-]+)"/g)) expect(description).toHaveProperty(['components', 'schemas', reference!]);
  expect(description).toHaveProperty(['components', 'schemas', 'sales.order.placed.v1', 'properties', 'lines']);
});
