import { beforeEach, describe, expect, it } from '@jest/globals';
import { sharedPlatform } from '../testing.ts';

const platform = sharedPlatform();

const active = { projection: 'sales-facts', version: 1, build: 1, state: 'active', position: 900, target: 900, parked: 0 };
const building = { ...active, build: 2, state: 'building', position: 300, eventsPerSecond: 200, etaSeconds: 3 };
const listed = (...analytics: unknown[]): void => platform.on('analytics', 'GET /v1/projections', { json: { projections: analytics } });
beforeEach(() => {
  listed(active);
  platform.on('warehouse', 'GET /v1/projections', { json: { projections: [] } });
  platform.on('warehouse', 'GET /v1/parked', { json: { parked: [], next: null } });
});

describe('millrace projection list', () => {
  it('is a table of builds with their progress and the time left', async () => {
    listed(active, building, { ...building, build: 3, etaSeconds: undefined, trouble: 'diverged' });
    expect((await platform.run('projection', 'list')).out).toEqual([[
      'SERVICE    PROJECTION   VERSION  BUILD  STATE     POSITION   OF  PARKED  NOTE',
      'analytics  sales-facts        1      1  active         900  900       0',
      'analytics  sales-facts        1      2  building       300  900       0  200 events/s, 3 s left',
      'analytics  sales-facts        1      3  building       300  900       0  diverged',
    ].join('\n')]);
  });

  it('is one document with --json, the service with each build', async () => {
    expect(JSON.parse((await platform.run('projection', 'list', '--json')).out[0]!)).toEqual({ projections: [{ service: 'analytics', ...active }] });
  });
});

describe('millrace projection rebuild', () => {
  it('waits until the build is ready, and says what comes next', async () => {
    let asked = 0;
    platform.on('analytics', 'POST /v1/projections/sales-facts/rebuild', { status: 202, json: building });
    platform.on('analytics', 'GET /v1/projections', () => ({ json: { projections: [active, (asked += 1) < 4 ? building : { ...building, state: 'ready', position: 900 }] } }));
    const { out, failed } = await platform.run('projection', 'rebuild', 'sales-facts');
    expect([out, failed]).toEqual([['build 2 of sales-facts (version 1) is ready, 900 of 900 events: compare with `millrace projection diff sales-facts`'], false]);
    expect(asked).toBe(4);
  });

  it('only begins with --no-wait, of the version asked for', async () => {
    platform.on('analytics', 'POST /v1/projections/sales-facts/rebuild', { status: 202, json: building });
    expect(JSON.parse((await platform.run('projection', 'rebuild', 'sales-facts', '--code-version', '1', '--no-wait', '--json')).out[0]!)).toMatchObject({ service: 'analytics', build: 2, state: 'building' });
    expect(platform.heard.find(({ request }) => request.startsWith('POST'))?.body).toEqual({ version: 1 });
  });

  it.each([
    ['is in trouble', { ...building, trouble: 'The build does not go on: diverged.' }, 'The build does not go on: diverged.'],
    ['is dropped meanwhile', { ...building, build: 7 }, 'build 2 of sales-facts was dropped'],
  ])('fails when the build %s', async (_, row, error) => {
    platform.on('analytics', 'POST /v1/projections/sales-facts/rebuild', { status: 202, json: building });
    listed(active, row);
    expect(await platform.run('projection', 'rebuild', 'sales-facts')).toMatchObject({ out: [], error, failed: true });
  });

  it('names the projections there are when there is none of that name', async () => {
    expect(await platform.run('projection', 'rebuild', 'shoes')).toMatchObject({ error: 'there is no projection shoes; there are sales-facts', failed: true });
  });
});

describe('millrace projection diff', () => {
  const report = {
    projection: 'sales-facts', active: { build: 1, version: 1, parked: 0 }, candidate: { build: 2, version: 2, parked: 1 }, at: [{ tenant: 'shop', log: 'sales/0', position: 900 }], equal: false,
    tables: [{ table: 'buyer', rows: { active: 5, candidate: 4 }, onlyActive: 1, onlyCandidate: 0, changed: 0, columns: { onlyActive: [], onlyCandidate: [] }, first: [{ active: { tenant: 'shop', customer_ref: 'sub_a' }, candidate: null }] }],
  };

  it('shows counts, the first rows and the vector, and fails when builds differ', async () => {
    platform.on('analytics', 'GET /v1/projections/sales-facts/diff', { json: report });
    const { out, failed } = await platform.run('projection', 'diff', 'sales-facts');
    expect([out[0]?.split('\n'), failed]).toEqual([[
      'sales-facts: build 2 (version 2) against build 1 (version 1), which is active: DIFFERENT',
      'at shop sales/0:900; parked 0 active, 1 candidate',
      'TABLE  ROWS ACTIVE  ROWS CANDIDATE  ONLY ACTIVE  ONLY CANDIDATE  CHANGED',
      'buyer            5               4            1               0        0',
      'buyer active     tenant=shop customer_ref=sub_a',
      'buyer candidate  (no row)',
    ], true]);
  });

  it('succeeds when they are equal, of the build asked for', async () => {
    platform.on('analytics', 'GET /v1/projections/sales-facts/diff', { json: { ...report, equal: true } });
    expect(await platform.run('projection', 'diff', 'sales-facts', '--build', '2', '--json')).toMatchObject({ failed: false });
    expect(platform.heard.at(-1)?.request).toBe('GET /v1/projections/sales-facts/diff?build=2');
  });
});

describe('millrace projection switch and drop', () => {
  it('say what is read now', async () => {
    platform.on('analytics', 'POST /v1/projections/sales-facts/switch', { json: { projection: 'sales-facts', from: { build: 1, version: 1 }, to: { build: 2, version: 2 }, at: [] } });
    expect((await platform.run('projection', 'switch', 'sales-facts')).out).toEqual(['sales-facts is read from build 2 (version 2) now; build 1 is kept up until it is dropped']);
    platform.on('analytics', 'POST /v1/projections/sales-facts/drop', { status: 204 });
    expect((await platform.run('projection', 'drop', 'sales-facts', '--build', '1')).out).toEqual(['build 1 of sales-facts is gone']);
    expect(platform.heard.filter(({ request }) => request.startsWith('POST')).map(({ body }) => body)).toEqual([{}, { build: 1 }]);
  });

  it('are refused in the service\'s words', async () => {
    platform.on('analytics', 'POST /v1/projections/sales-facts/switch', { status: 409, json: { code: 'projection-behind', detail: 'Build 2 is 8 events behind.' } });
    expect(await platform.run('projection', 'switch', 'sales-facts')).toMatchObject({ out: [], error: 'Build 2 is 8 events behind.', failed: true });
    expect(await platform.run('projection', 'drop', 'sales-facts', '--build', 'two')).toMatchObject({ error: expect.stringContaining('whole number'), failed: true });
  });
});

describe('millrace parked', () => {
  const id = 'sales-facts@1:shop:sales:0:17';
  const row = { id, consumer: 'sales-facts@1', tenant: 'shop', log: 'sales/0', position: 17, type: 'sales.order.placed', code: 'order-unreadable', reason: 'Expected text.', parkedAt: '2026-01-01T00:00:00.000Z' };

  it('lists over all services, or of one projection', async () => {
    platform.on('analytics', 'GET /v1/parked', { json: { parked: [row], next: null } });
    expect((await platform.run('parked', 'list')).out).toEqual([`SERVICE    ID                             TYPE                CODE              REASON\nanalytics  ${id}  sales.order.placed  order-unreadable  Expected text.`]);
    expect(JSON.parse((await platform.run('parked', 'list', '--projection', 'sales-facts', '--limit', '5', '--json')).out[0]!)).toEqual({ parked: [{ service: 'analytics', ...row }], more: false });
    expect(platform.heard.at(-1)?.request).toBe('GET /v1/parked?consumer=sales-facts&limit=5');
    platform.on('analytics', 'GET /v1/parked', { json: { parked: [], next: null } });
    expect((await platform.run('parked', 'list')).out).toEqual(['nothing is parked']);
  });

  it('shows one as JSON', async () => {
    platform.on('analytics', `GET /v1/parked/${encodeURIComponent(id)}`, { json: { ...row, behind: 2 } });
    expect(JSON.parse((await platform.run('parked', 'show', id)).out[0]!)).toEqual({ ...row, behind: 2 });
  });

  it('retries, and fails when one fails again', async () => {
    platform.on('analytics', `POST /v1/parked/${encodeURIComponent(id)}/retry`, { json: { applied: [17, 19] } });
    expect(await platform.run('parked', 'retry', id)).toMatchObject({ out: ['2 no longer parked (positions 17, 19)'], failed: false });
    platform.on('analytics', `POST /v1/parked/${encodeURIComponent(id)}/retry`, { json: { applied: [], stopped: { position: 17, code: 'order-unreadable', reason: 'Expected text.' } } });
    expect(await platform.run('parked', 'retry', id)).toMatchObject({ out: ['nothing was applied; stopped at position 17: order-unreadable: Expected text.'], failed: true });
  });

  it('discards with a reason, and not without one', async () => {
    platform.on('analytics', `POST /v1/parked/${encodeURIComponent(id)}/discard`, { json: { applied: [17] } });
    expect((await platform.run('parked', 'discard', id, '--reason', 'a test order')).out).toEqual(['discarded; 1 no longer parked (position 17)']);
    expect(platform.heard.at(-1)?.body).toEqual({ reason: 'a test order' });
    platform.heard.length = 0;
    expect(await platform.run('parked', 'discard', id)).toMatchObject({ failed: true });
    expect(platform.heard).toEqual([]);
  });

  it('refuses what is no id before it asks anybody', async () => {
    expect(await platform.run('parked', 'show', '17')).toMatchObject({ error: expect.stringContaining('sales-facts@1:shop:sales:0:17'), failed: true });
    expect(platform.heard).toEqual([]);
  });
});
