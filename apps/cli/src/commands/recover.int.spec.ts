import { describe, expect, it } from '@jest/globals';
import type { LogExplanation } from '@millrace/contracts';
import { sharedPlatform } from '../testing.ts';

const platform = sharedPlatform();

const agreeing: LogExplanation = { tenant: 'shop', log: 'customer/0', state: 'agrees', epoch: 7, head: 3, reasons: [], agreesThrough: 3, previousHead: 3, greatestEpoch: 7, consumers: [], silent: [] };
const parted: LogExplanation = {
  tenant: 'shop', log: 'sales/0', state: 'diverged', epoch: 7, head: 35, agreesThrough: 30, previousHead: 50, greatestEpoch: 7, silent: ['warehouse'], reasons: ['the stream ends at 50, ahead of the log, which ends at 35'],
  stream: { epoch: 7, first: 1, last: 50, agreesThrough: 30 },
  consumers: [
    { name: 'analytics', epoch: 7, position: 50, state: 'diverged', action: 'starts-over', agreesThrough: 30, exact: true, loses: { from: 31, to: 50, events: 20 }, repeats: { from: 1, to: 30, events: 30 }, appliesAnew: { from: 31, to: 35, events: 5 } },
    { name: 'ingestion', epoch: 7, position: 20, state: 'running', action: 'goes-on', agreesThrough: 20, exact: true, appliesAnew: { from: 21, to: 35, events: 15 } },
  ],
};
const mended: LogExplanation = {
  ...parted, state: 'agrees', epoch: 9, greatestEpoch: 9, reasons: [], agreesThrough: 35, silent: [], recovery: { epoch: 9, previousEpoch: 7, fromPosition: 31, head: 35, previousHead: 50, reason: 'disk', at: '2026-11-01T00:00:00.000Z' },
  consumers: parted.consumers.map((consumer) => ({ name: consumer.name, epoch: 9, position: 35, state: 'running', action: 'goes-on', agreesThrough: 35, exact: true })),
};
const posts = () => platform.heard.filter(({ request }) => request.startsWith('POST'));

describe('millrace recover', () => {
  it.each([['without an option', []], ['with --plan', ['--plan']]])('%s explains, changes nothing and exits with bad news', async (_, options) => {
    platform.on('backbone', 'GET /v1/recovery', { json: { logs: [agreeing, parted] } });
    const run = await platform.run('recover', '--tenant', 'shop', ...options);
    expect(run.out.join('\n')).toBe([
      'shop sales/0: DIVERGED, epoch 7, head 35',
      '  because the stream ends at 50, ahead of the log, which ends at 35',
      '  last position in common: 30; furthest position anybody has seen: 50',
      '  stream of epoch 7: 1 to 50, the log\'s events through 30',
      '  analytics: at 50 of epoch 7, diverged; starts over from position 1: loses 20 events (31 to 50) that the log does not hold, applies 30 events (1 to 30) again, applies 5 events (31 to 35) of the log',
      '  ingestion: at 20 of epoch 7, running; loses and repeats nothing, applies 15 events (21 to 35) of the log',
      '  warehouse: does not answer; what it would lose or repeat is not known',
      'shop customer/0: agrees, epoch 7, head 3',
    ].join('\n'));
    expect([run.failed, posts()]).toEqual([true, []]);
    expect(run.err.join()).toContain('1 of 2 logs have parted; nothing was changed');
  });

  it('is content where nothing has parted', async () => {
    platform.on('backbone', 'GET /v1/recovery', { json: { logs: [agreeing] } });
    expect(await platform.run('recover')).toMatchObject({ failed: false, err: [] });
    platform.on('backbone', 'POST /v1/recovery', { json: { recovered: [] } });
    expect((await platform.run('recover', '--yes')).out.at(-1)).toBe('nothing to mend');
  });

  it('with --yes mends with the operator\'s reason and token, and waits until everybody has followed', async () => {
    const looks = [parted, { ...parted, state: 'recovering' as const, epoch: 9 }, { ...mended, consumers: [{ ...mended.consumers[0]!, position: 12 }] }, mended];
    platform.on('backbone', 'GET /v1/recovery', () => ({ json: { logs: [looks.length > 1 ? looks.shift() : looks[0]] } }));
    platform.on('backbone', 'POST /v1/recovery', { json: { recovered: [{ tenant: 'shop', log: 'sales/0', epoch: 9, previousEpoch: 7 }] } });
    const run = await platform.run('recover', '--yes', '--tenant', 'shop', '--log', 'sales/0', '--reason', 'disk', '--json');
    expect(posts()).toMatchObject([{ listener: 'backbone', authorization: expect.stringMatching(/^Bearer mrt_/), body: { tenant: 'shop', log: 'sales/0', reason: 'disk' } }]);
    expect(run).toMatchObject({ failed: false, out: [JSON.stringify({ recovered: [{ tenant: 'shop', log: 'sales/0', epoch: 9, previousEpoch: 7 }], logs: [mended] })] });
    expect(looks).toHaveLength(1);
  });

  it('says so when somebody has not followed in time', async () => {
    platform.on('backbone', 'GET /v1/recovery', { json: { logs: [{ ...parted, state: 'recovering' }] } });
    platform.on('backbone', 'POST /v1/recovery', { json: { recovered: [] } });
    const run = await platform.run('recover', '--yes', '--wait', '1ms');
    expect([run.failed, run.err.join()]).toEqual([true, expect.stringContaining('not everybody has followed yet')]);
  });

  it.each([[['--plan', '--yes'], /--plan changes nothing and --yes does/], [['--wait', 'soon'], /--wait wants a duration/]])('refuses %j', async (options, why) => {
    expect(await platform.run('recover', ...options)).toMatchObject({ failed: true, error: expect.stringMatching(why) });
    expect(platform.heard).toEqual([]);
  });

  it('passes on the service\'s words when it refuses', async () => {
    platform.on('backbone', 'GET /v1/recovery', { status: 400, json: { code: 'log-name-malformed', detail: 'A log is named <context>/<shard>' } });
    expect(await platform.run('recover', '--log', 'x')).toMatchObject({ failed: true, error: 'A log is named <context>/<shard>' });
  });
});
