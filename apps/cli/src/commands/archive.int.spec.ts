import { describe, expect, it } from '@jest/globals';
import { sharedPlatform } from '../testing.ts';

const platform = sharedPlatform();

const step = (archivedThrough: number, done: boolean) => ({ tenant: 'demo', log: 'sales/0', archivedThrough, provenThrough: 900, head: 1000, segment: { from: 1, to: archivedThrough, sha256: 'ab'.repeat(32), bytes: 2_000_000 }, done });

describe('millrace archive', () => {
  it('asks backbone for segment after segment and says what was made', async () => {
    platform.on('backbone', 'POST /v1/archive', { json: step(500, true) });
    const { out, failed } = await platform.run('archive', 'sales/0', '--through', '500', '--tenant', 'demo', '--segment-events', '1000');
    expect(platform.heard.map(({ request, body }) => [request, body])).toEqual([['POST /v1/archive', { tenant: 'demo', log: 'sales/0', through: 500, segmentEvents: 1000 }]]);
    expect([out, failed]).toEqual([[expect.stringMatching(/^sales\/0 is archived through position 500: 1 segment, \d/)], false]);
  });

  it('prints one JSON document with --json', async () => {
    const { out, err } = await platform.run('archive', 'sales/0', '--through', '500', '--json');
    expect([out.map((text) => JSON.parse(text) as unknown), err]).toEqual([[{ log: 'sales/0', archivedThrough: 500, done: true, segments: [step(500, true).segment] }], []]);
  });

  it('stops between two segments when interrupted, and says how to go on', async () => {
    platform.on('backbone', 'POST /v1/archive', { json: step(300, false) });
    const run = platform.run('archive', 'sales/0', '--through', '500');
    while (platform.heard.length < 3) await new Promise((resolve) => { setImmediate(resolve); });
    process.emit('SIGINT');
    const { out, failed } = await run;
    expect([out, failed]).toEqual([[expect.stringContaining('interrupted, the same command goes on')], true]);
  });

  it('says why backbone refuses, and refuses what is no log or position itself', async () => {
    platform.on('backbone', 'POST /v1/archive', { status: 409, json: { code: 'archive-unproven', detail: 'sales/0 can be archived up to position 9.' } });
    expect(await platform.run('archive', 'sales/0', '--through', '10')).toMatchObject({ out: [], error: 'sales/0 can be archived up to position 9.', failed: true });
    platform.heard.length = 0;
    for (const args of [['sales', '--through', '1'], ['sales/0', '--through', '0'], ['sales/0', '--through', '1', '--segment-events', '5'], ['sales/0']]) expect((await platform.run('archive', ...args)).failed).toBe(true);
    expect(platform.heard).toEqual([]);
  });
});
