import { describe, expect, it } from '@jest/globals';
import { sharedPlatform } from '../testing.ts';

const platform = sharedPlatform();
const log = { tenant: 'shop', log: 'sales/0', epoch: 7, head: 900, state: 'relaying' };

describe('millrace relay refill', () => {
  it('asks for it and waits until the stream is at the head', async () => {
    const looks = [{ ...log, relayed: 400 }, { ...log, relayed: 900, state: 'waiting' }, { ...log, relayed: 900 }];
    platform.on('backbone', 'POST /v1/relay/refill', { status: 202, json: { tenant: 'shop', log: 'sales/0', from: 301 } });
    platform.on('backbone', 'GET /v1/logs', () => ({ json: { logs: [{ ...log, log: 'customer/0', relayed: 1 }, looks.length > 1 ? looks.shift() : looks[0]] } }));
    expect(await platform.run('relay', 'refill', '--log', 'sales/0', '--from', '301')).toMatchObject({ failed: false, out: ['shop sales/0: relaying, on the bus from 301 to 900 of 900'] });
    expect(platform.heard[0]).toMatchObject({ request: 'POST /v1/relay/refill', authorization: expect.stringMatching(/^Bearer mrt_/), body: { tenant: 'shop', log: 'sales/0', from: 301 } });
    expect(looks).toHaveLength(1);
  });

  it('fails where the relay stands still', async () => {
    platform.on('backbone', 'GET /v1/logs', { json: { logs: [{ ...log, relayed: 950, state: 'diverged', reason: 'the stream ends at sequence 950' }] } });
    expect(await platform.run('relay', 'refill')).toMatchObject({ failed: true, err: [expect.stringContaining('the stream ends at sequence 950')] });
  });

  it.each(['0', '-1', 'all'])('refuses --from %s before asking anybody', async (from) => {
    expect(await platform.run('relay', 'refill', '--from', from)).toMatchObject({ failed: true, error: expect.stringContaining('--from wants a whole number') });
    expect(platform.heard).toEqual([]);
  });

  it('passes on what backbone refuses', async () => {
    platform.on('backbone', 'POST /v1/relay/refill', { status: 400, json: { code: 'refill-out-of-range', detail: 'Expected a position from 1 to 901; got 5000.' } });
    expect(await platform.run('relay', 'refill', '--from', '5000')).toMatchObject({ failed: true, error: 'Expected a position from 1 to 901; got 5000.' });
  });
});
