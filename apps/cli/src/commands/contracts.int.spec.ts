import { describe, expect, it } from '@jest/globals';
import { sharedPlatform } from '../testing.ts';

const platform = sharedPlatform();

const fine = { contracts: 42, fixtures: 42, events: 120, complete: true, breaks: [], unfit: [] };
const broken = { rule: 'upcast-refused', type: 'sales.order.placed', version: 1, pointer: '/lines', says: '/lines: read as version 2, an old event does not fit there.', breaks: ['metric revenue.net', 'table warehouse.order_line'], log: 'sales/0', position: 7 };

describe('millrace contracts check', () => {
  it('says what was checked, and asks for as large a sample as it is told', async () => {
    platform.on('backbone', 'GET /v1/contracts/check', { json: fine });
    expect(await platform.run('contracts', 'check')).toMatchObject({ out: ['42 contracts against what was released, 42 frozen fixtures and 120 stored events: compatible'], failed: false });
    platform.on('backbone', 'GET /v1/contracts/check', { json: { ...fine, events: 9, complete: false } });
    expect((await platform.run('contracts', 'check', '--sample', '5')).out).toEqual(['42 contracts against what was released, 42 frozen fixtures and 9 stored events (time ran out before all asked for were read): compatible']);
    expect(platform.heard.map(({ listener, request }) => `${listener} ${request}`)).toEqual(['backbone GET /v1/contracts/check?sample=100', 'backbone GET /v1/contracts/check?sample=5']);
  });

  it('names each break with what it would break, and fails', async () => {
    const unfit = [{ ...broken, rule: 'past-refused', says: '/x: a stored event does not fit its own version there.', breaks: [] }];
    platform.on('backbone', 'GET /v1/contracts/check', { json: { ...fine, breaks: [broken], unfit } });
    const { out, failed } = await platform.run('contracts', 'check');
    expect(failed).toBe(true);
    expect(out.join('\n').split('\n')).toEqual([
      '42 contracts against what was released, 42 frozen fixtures and 120 stored events: 1 BREAK',
      'sales.order.placed version 1, first met at sales/0 7', `  ${broken.says}`, '  would break: metric revenue.net, table warehouse.order_line', '',
      'stored events that never fitted their own contract (their readers park them):', 'sales.order.placed version 1, first met at sales/0 7', '  /x: a stored event does not fit its own version there.',
    ]);
  });

  it('does not fail over events that never fitted, and prints one document when asked', async () => {
    platform.on('backbone', 'GET /v1/contracts/check', { json: { ...fine, unfit: [broken] } });
    const { out, failed } = await platform.run('contracts', 'check', '--json');
    expect([out.map((line) => JSON.parse(line) as unknown), failed]).toEqual([[{ ...fine, unfit: [broken] }], false]);
  });

  it.each(['0', 'all', '1e3', '10001'])('refuses a sample of %s', async (count) => {
    expect((await platform.run('contracts', 'check', '--sample', count)).error).toContain('--sample');
    expect(platform.heard).toEqual([]);
  });
});
