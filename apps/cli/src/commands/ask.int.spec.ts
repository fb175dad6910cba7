import { beforeAll, describe, expect, it } from '@jest/globals';
import { sharedPlatform } from '../testing.ts';

const platform = sharedPlatform();

const asked = (): string[] => platform.heard.map(({ listener, request }) => `${listener} ${request}`);

describe('millrace metric', () => {
  const answer = { metric: 'revenue.gross', version: 1, asOf: { 'sales/0': 29 }, rows: [{ month: '2011-01', currency: 'GBP', value: '560000.26' }, { month: '2011-02', currency: 'GBP', value: '498062.65' }] };
  beforeAll(() => platform.on('analytics', 'GET /v1/metrics/revenue.gross', { json: answer }));

  it('asks analytics with every filter it was given, as the operator', async () => {
    await platform.run('metric', 'revenue.gross', '--by', 'month', '--from', '2011-01-01', '--to', '2011-03-01', '--where', 'country=France', '--where', 'source=import', '--tenant', 'demo');
    expect(asked()).toEqual(['analytics GET /v1/metrics/revenue.gross?tenant=demo&by=month&from=2011-01-01&to=2011-03-01&where=country%3DFrance&where=source%3Dimport']);
    expect(platform.heard[0]!.authorization).toMatch(/^Bearer mrt_[\w-]{43}$/);
  });

  it('asks for tenant shop when none is named', async () => {
    await platform.run('metric', 'revenue.gross');
    expect(asked()).toEqual(['analytics GET /v1/metrics/revenue.gross?tenant=shop']);
  });

  it('prints one JSON document and nothing else with --json', async () => {
    const { out, err, failed } = await platform.run('metric', 'revenue.gross', '--json');
    expect(out.map((text) => JSON.parse(text) as unknown)).toEqual([answer]);
    expect([err, failed]).toEqual([[], false]);
  });

  it('prints a table and the positions it stands on otherwise', async () => {
    const { out } = await platform.run('metric', 'revenue.gross');
    expect(out).toEqual(['revenue.gross v1, as of sales/0 29\nMONTH    CURRENCY      VALUE\n2011-01  GBP       560000.26\n2011-02  GBP       498062.65']);
  });

  it('asks by several dimensions, and from the beginning of a month, as the README does', async () => {
    await platform.run('metric', 'revenue.gross', '--by', 'month,source', '--by', 'currency', '--from', '2011-01', '--to', '2011-07');
    expect(asked()).toEqual(['analytics GET /v1/metrics/revenue.gross?tenant=shop&by=month&by=source&by=currency&from=2011-01&to=2011-07']);
  });

  it('shows what a number leaves out, that it is cut, and what was parked', async () => {
    platform.on('analytics', 'GET /v1/metrics/revenue.net', { json: { ...answer, metric: 'revenue.net', cut: true, exclusions: [{ kind: 'postage', product: 'POST', currency: 'GBP', value: '66230.64' }], parked: { 'sales/0': 1 } } });
    const [text] = (await platform.run('metric', 'revenue.net')).out;
    expect(text!.split('\n').slice(4)).toEqual(['There are more rows than 2: narrow it by --from, --to or --where.', '', 'left out:', 'KIND     PRODUCT  CURRENCY     VALUE', 'postage  POST     GBP       66230.64', 'without 1 parked event of sales/0: see `millrace parked list`']);
  });

  it('says what analytics says when there is no such metric', async () => {
    platform.on('analytics', 'GET /v1/metrics/nonsense', { status: 404, json: { code: 'metric-unknown', detail: 'There is no metric "nonsense"; there are orders, aov.' } });
    expect(await platform.run('metric', 'nonsense')).toMatchObject({ out: [], error: 'There is no metric "nonsense"; there are orders, aov.', failed: true });
  });

  it('keeps an id with odd characters in its place', async () => {
    await platform.run('metric', '../consumers?x');
    expect(asked()).toEqual(['analytics GET /v1/metrics/..%2Fconsumers%3Fx?tenant=shop']);
  });
});

describe('millrace sql', () => {
  const answer = { asOf: { 'sales/0': 12, 'customer/0': 3 }, columns: [{ name: 'country', type: 'VARCHAR' }, { name: 'n', type: 'BIGINT' }], rows: [['France', 8557], ['Germany', 9495]] };

  it('posts the statement to the warehouse and prints what came', async () => {
    platform.on('warehouse', 'POST /v1/query', { json: answer });
    const { out } = await platform.run('sql', 'select country, count(*) as n from order_line group by 1');
    expect(platform.heard[0]).toMatchObject({ listener: 'warehouse', body: { tenant: 'shop', sql: 'select country, count(*) as n from order_line group by 1' } });
    expect(out).toEqual(['COUNTRY     N\nFrance   8557\nGermany  9495\nas of sales/0 12, customer/0 3']);
    expect(JSON.parse((await platform.run('sql', 'select 1', '--json')).out[0]!)).toEqual(answer);
  });

  it('fails in one line when the statement is refused', async () => {
    platform.on('warehouse', 'POST /v1/query', { status: 422, json: { detail: 'Expected a SELECT.\nThis writes.' } });
    expect(await platform.run('sql', 'drop table x', '--json')).toMatchObject({ out: [], error: 'Expected a SELECT. This writes.', failed: true });
  });

  it('says that there is nothing yet where the vector is empty', async () => {
    platform.on('warehouse', 'POST /v1/query', { json: { asOf: {}, columns: ['n'], rows: [[null]] } });
    expect((await platform.run('sql', 'select null as n')).out).toEqual(['N\n–\nas of the beginning']);
  });
});

describe('millrace reveal', () => {
  it('sends references and reason to security and prints the numbers', async () => {
    platform.on('security', 'POST /v1/reveal', { json: { revealed: [{ ref: 'sub_1', value: '14646' }] } });
    const { out, failed } = await platform.run('reveal', 'sub_1', '--reason', 'top customers');
    expect(platform.heard[0]!.body).toEqual({ tenant: 'shop', refs: ['sub_1'], field: 'customer-number', reason: 'top customers' });
    expect([out, failed]).toEqual([['REF    CUSTOMER NUMBER\nsub_1            14646'], false]);
  });

  it('prints what it got and fails when one of them could not be revealed', async () => {
    platform.on('security', 'POST /v1/reveal', { json: { revealed: [{ ref: 'sub_1', value: 'C-1' }, { ref: 'sub_2', error: 'erased' }] } });
    const { out, failed } = await platform.run('reveal', 'sub_1', 'sub_2', '--reason', 'top customers');
    expect(out[0]).toContain('(erased)');
    expect(failed).toBe(true);
  });
});

describe('millrace login-link', () => {
  it('prints an address that works once', async () => {
    platform.on('security', 'POST /v1/login-links', { json: { token: 'a/b+c', expiresAt: '2026-01-01T00:15:00.000Z' } });
    const url = `http://127.0.0.1:${platform.base}/login?token=a%2Fb%2Bc`;
    expect((await platform.run('login-link')).out).toEqual([`${url}\nvalid once, until 2026-01-01T00:15:00.000Z`]);
    expect(JSON.parse((await platform.run('login-link', '--json')).out[0]!)).toEqual({ url, expiresAt: '2026-01-01T00:15:00.000Z' });
  });
});
