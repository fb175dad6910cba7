import { describe, expect, it } from '@jest/globals';
import { sharedPlatform } from '../testing.ts';

const platform = sharedPlatform();

const asked = (): string[] => platform.heard.map(({ listener, request }) => `${listener} ${request}`);

describe('millrace events', () => {
  const event = { position: 3, envelope: { id: 'e-3', type: 'sales.order.placed', time: '2011-01-01T10:00:00.000Z' } };

  it('reads a page of a log', async () => {
    platform.on('backbone', 'GET /v1/logs/customer/2/events', { json: { events: [event], through: 3 } });
    const { out } = await platform.run('events', '--log', 'customer/2', '--after', '2', '--limit', '5');
    expect(asked()).toEqual(['backbone GET /v1/logs/customer/2/events?tenant=shop&after=2&limit=5', 'backbone GET /v1/logs/customer/2/events?tenant=shop&after=3&limit=4']);
    expect(out).toEqual(['POSITION  TIME                      TYPE                ID\n       3  2011-01-01T10:00:00.000Z  sales.order.placed  e-3']);
  });

  it('asks on with the filter until as many came as were asked for', async () => {
    platform.on('backbone', 'GET /v1/logs/sales/0/events', { json: { events: [event], through: 20_000 } });
    const { out } = await platform.run('events', '--type', 'sales.order.placed', '--subject', 'sub_1', '--limit', '1', '--json');
    expect(asked()).toEqual(['backbone GET /v1/logs/sales/0/events?tenant=shop&after=0&limit=1&type=sales.order.placed&subject=sub_1']);
    expect(JSON.parse(out[0]!)).toEqual({ events: [event], through: 20_000 });
  });

  it('ends where the log ends, though fewer fit than were asked for', async () => {
    const { out } = await platform.run('events', '--after', '20000', '--type', 'sales.order.placed', '--json');
    expect(JSON.parse(out[0]!)).toEqual({ events: [], through: 20_000 });
  });

  it('reads one stream', async () => {
    platform.on('backbone', 'GET /v1/streams', { json: { events: [event] } });
    await platform.run('events', '--stream', 'sales.order/1 2', '--after', '1');
    expect(asked()).toEqual(['backbone GET /v1/streams?tenant=shop&stream=sales.order%2F1+2&after=1&limit=20']);
    expect((await platform.run('events', '--stream', 'sales.order/1', '--type', 'sales.order.placed')).error).toBe('--stream is read whole: leave out --type and --subject');
  });

  it('says what backbone says of a log that is not there', async () => {
    platform.on('backbone', 'GET /v1/logs/sales/9/events', { status: 404, json: { code: 'log-unknown', detail: 'There is no log sales/9 of this tenant.' } });
    expect(await platform.run('events', '--log', 'sales/9')).toMatchObject({ out: [], error: 'There is no log sales/9 of this tenant.', failed: true });
  });

  it('shows one event whole', async () => {
    platform.on('backbone', 'GET /v1/events/e-3', { json: event });
    expect(JSON.parse((await platform.run('events', 'e-3', '--tenant', 'demo')).out[0]!)).toEqual(event);
    expect(JSON.parse((await platform.run('events', 'e-3', '--json')).out[0]!)).toEqual(event);
    expect(asked()).toEqual(['backbone GET /v1/events/e-3?tenant=demo', 'backbone GET /v1/events/e-3?tenant=shop']);
  });

  it.each(['sales', 'nowhere/0', 'sales/x', 'sales/0/1'])('refuses "%s" as a log without asking anybody', async (log) => {
    expect((await platform.run('events', '--log', log)).error).toMatch(/A log is named <context>\/<shard>/);
    expect(asked()).toEqual([]);
  });
});
