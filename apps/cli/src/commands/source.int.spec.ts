import { beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, writeFileSync } from 'node:fs';
import { sourceKeyFile } from '../client/source-keys.ts';
import { sharedPlatform } from '../testing.ts';

const platform = sharedPlatform();

const issued = { tenant: 'shop', name: 'web', key: 'msk_secret' };

describe('millrace source add', () => {
  beforeAll(() => platform.on('ingestion', 'POST /v1/sources', { status: 201, json: issued }));

  it('prints the key alone on standard output, so that it can be piped', async () => {
    const { out, err } = await platform.run('source', 'add', 'web');
    expect(out).toEqual(['msk_secret']);
    expect(err).toEqual([expect.stringContaining('only time the key of web is shown')]);
    expect(err.join('')).not.toContain('msk_secret');
  });

  it('passes on types, contexts and limits on time', async () => {
    await platform.run('source', 'add', 'web', '--tenant', 'demo', '--types', 'clickstream.*, sales.order.placed', '--record-of', 'sales,customer', '--earliest', '1990-01-01', '--latest-ahead-ms', '5000');
    expect(platform.heard[0]!.body).toEqual({
      tenant: 'demo', name: 'web', types: ['clickstream.*', 'sales.order.placed'], recordOf: ['sales', 'customer'], earliest: '1990-01-01T00:00:00.000Z', latestAheadMs: 5000,
    });
  });

  it('leaves what was not said to ingestion', async () => {
    await platform.run('source', 'add', 'web');
    expect(platform.heard[0]!.body).toEqual({ tenant: 'shop', name: 'web' });
  });

  it('is one document with --json, and nothing beside it', async () => {
    const { out, err } = await platform.run('source', 'add', 'web', '--json');
    expect([out.map((text) => JSON.parse(text) as unknown), err]).toEqual([[issued], []]);
  });

  it('fails in ingestion\'s words', async () => {
    platform.on('ingestion', 'POST /v1/sources', { status: 409, json: { detail: 'Tenant shop has a source web already.' } });
    expect(await platform.run('source', 'add', 'web')).toMatchObject({ out: [], error: 'Tenant shop has a source web already.', failed: true });
  });
});

describe('millrace source list', () => {
  it('is a table of the tenant\'s sources', async () => {
    const sources = [{ name: 'web', types: ['clickstream.*'], revokedAt: null }];
    platform.on('ingestion', 'GET /v1/sources', { json: { sources } });
    expect((await platform.run('source', 'list', '--tenant', 'demo')).out).toEqual(['NAME  TYPES              REVOKEDAT\nweb   ["clickstream.*"]          –']);
    expect(JSON.parse((await platform.run('source', 'list', '--json')).out[0]!)).toEqual({ sources });
    expect(platform.heard.map(({ request }) => request)).toEqual(['GET /v1/sources?tenant=demo', 'GET /v1/sources?tenant=shop']);
  });

  it('says so when there is none', async () => {
    platform.on('ingestion', 'GET /v1/sources', { json: { sources: [] } });
    expect((await platform.run('source', 'list')).out).toEqual(['(no rows)']);
  });
});

describe('millrace source revoke', () => {
  it('revokes, and forgets the key if this folder used it', async () => {
    platform.on('ingestion', 'DELETE /v1/sources/import', { status: 204 });
    const key = sourceKeyFile(platform.home, 'shop', 'import');
    writeFileSync(key, 'msk_old');
    expect((await platform.run('source', 'revoke', 'import')).out).toEqual(['source import of tenant shop is revoked']);
    expect(existsSync(key)).toBe(false);
    expect(platform.heard.map(({ request }) => request)).toEqual(['DELETE /v1/sources/import?tenant=shop']);
  });

  it('keeps the key when ingestion refuses', async () => {
    platform.on('ingestion', 'DELETE /v1/sources/import', { status: 503, json: { detail: 'later' } });
    const key = sourceKeyFile(platform.home, 'shop', 'import');
    writeFileSync(key, 'msk_old');
    expect((await platform.run('source', 'revoke', 'import', '--json')).error).toBe('later');
    expect(existsSync(key)).toBe(true);
  });
});
