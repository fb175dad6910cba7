import { describe, expect, it } from '@jest/globals';
import { sharedPlatform } from '../testing.ts';

const platform = sharedPlatform();
const asked = (): string[] => platform.heard.map(({ listener, request }) => `${listener} ${request}`);

describe('millrace rejects', () => {
  const kept = { tenant: 'shop', via: 'web', rejectId: 'conflict-1', eventId: 'e-1', type: 'sales.order.placed', version: 1, pointer: '/id', code: 'id-conflict', reason: 'known', receivedAt: '2026-11-01T00:00:00.000Z' };

  it('lists what was refused, newest first', async () => {
    platform.on('ingestion', 'GET /v1/rejects', { json: { rejects: [kept] } });
    expect((await platform.run('rejects', 'list', '--limit', '5')).out[0]).toMatch(/2026-11-01T00:00:00\.000Z +conflict-1 +web +e-1 +sales\.order\.placed +id-conflict +\/id/);
    expect(JSON.parse((await platform.run('rejects', 'list', '--before', 'conflict-1', '--tenant', 'demo', '--json')).out[0]!)).toEqual({ rejects: [kept] });
    expect(asked()).toEqual(['ingestion GET /v1/rejects?tenant=shop&limit=5', 'ingestion GET /v1/rejects?tenant=demo&limit=20&before=conflict-1']);
  });

  it('says so when nothing was', async () => {
    platform.on('ingestion', 'GET /v1/rejects', { json: { rejects: [] } });
    expect((await platform.run('rejects', 'list')).out).toEqual(['nothing was rejected']);
  });

  it('shows both bodies of a conflict', async () => {
    const bodies = { rejectId: 'conflict-1', eventId: 'e-1', body: { n: 2 }, firstBody: { n: 1 } };
    platform.on('backbone', 'GET /v1/rejects/conflict-1', { json: bodies });
    expect(JSON.parse((await platform.run('rejects', 'show', 'conflict-1')).out.join('\n'))).toEqual(bodies);
    expect(asked()).toEqual(['backbone GET /v1/rejects/conflict-1?tenant=shop']);
  });
});
