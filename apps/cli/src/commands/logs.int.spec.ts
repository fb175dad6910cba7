import { describe, expect, it } from '@jest/globals';
import { sharedPlatform } from '../testing.ts';

const platform = sharedPlatform();

const standing = { tenant: 'shop', context: 'sales', shards: 4, shardsBefore: 1, raisedAt: '2026-11-24T00:00:00.000Z', logs: [{ log: 'sales/0', head: 120 }, { log: 'sales/3', head: 7 }] };

describe('millrace log shards', () => {
  it('shows how many logs a context has, and how far each is', async () => {
    platform.on('backbone', 'GET /v1/logs/sales/shards', { json: standing });
    const { out } = await platform.run('log', 'shards', 'sales', '--tenant', 'demo');
    expect(platform.heard.map(({ request }) => request)).toEqual(['GET /v1/logs/sales/shards?tenant=demo']);
    expect(out).toEqual(['sales: new streams spread over 4 logs, since 2026-11-24T00:00:00.000Z (before: 1)\nLOG      HEAD\nsales/0   120\nsales/3     7']);
  });

  it('says so when there is one', async () => {
    platform.on('backbone', 'GET /v1/logs/customer/shards', { json: { tenant: 'shop', context: 'customer', shards: 1, shardsBefore: 1, logs: [] } });
    expect((await platform.run('log', 'shards', 'customer')).out).toEqual(['customer has one log\nLOG  HEAD']);
  });

  it('raises the count through backbone, as the operator, and is one document with --json', async () => {
    platform.on('backbone', 'POST /v1/logs/sales/shards', { json: standing });
    const { out, failed } = await platform.run('logs', 'shards', 'sales', '4', '--json');
    expect(platform.heard).toMatchObject([{ request: 'POST /v1/logs/sales/shards', body: { tenant: 'shop', shards: 4 }, authorization: expect.stringMatching(/^Bearer mrt_/) }]);
    expect([out.map((text) => JSON.parse(text) as unknown), failed]).toEqual([[standing], false]);
  });

  it('fails in backbone\'s words', async () => {
    platform.on('backbone', 'POST /v1/logs/sales/shards', { status: 409, json: { code: 'shards-only-grow', detail: 'sales has more logs than 2 already.' } });
    expect(await platform.run('log', 'shards', 'sales', '2')).toMatchObject({ out: [], error: 'sales has more logs than 2 already.', failed: true });
  });

  it.each([[['nowhere']], [['sales', '0']], [['sales', '65']], [['sales', 'many']]])('refuses %j without asking anybody', async (args) => {
    const { error, failed } = await platform.run('log', 'shards', ...args);
    expect([typeof error, failed]).toEqual(['string', true]);
    expect(platform.heard).toEqual([]);
  });
});
