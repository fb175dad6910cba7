import fc from 'fast-check';
import { checkWireEvent, wireEventSchema } from './wire-event.ts';

const event = { specversion: '1.0', id: 'e-1', source: '/shop', type: 'sales.order.placed', data: { orderId: '1' } };

describe('an event on the wire', () => {
  it('needs specversion, id, source, type and data', () => {
    expect(checkWireEvent(event)).toEqual({ ok: true, event });
    for (const name of Object.keys(event)) {
      const { [name]: _, ...rest } = { ...event } as Record<string, unknown>;
      expect(checkWireEvent(rest)).toMatchObject({ ok: false, pointer: `/${name}`, reason: expect.stringContaining('required') });
    }
  });
  it('may have time, senttime, version and tracing', () => {
    const full = { ...event, time: '2011-01-01T00:00:00Z', senttime: '2011-01-01T00:00:01+01:00', version: 1, subject: 's', datacontenttype: 'application/json; charset=utf-8', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, causationid: 'c', correlationid: 'd' };
    expect(checkWireEvent(full)).toEqual({ ok: true, event: full });
    expect(wireEventSchema.parse(full)).toEqual(full);
  });
  it('may have extensions of others, as CloudEvents allows', () => expect(checkWireEvent({ ...event, partitionkey: 'p' }).ok).toBe(true));
  it.each([
    ['specversion', '0.3', '"1.0"'],
    ['id', '', 'text of 1 to 200 characters'],
    ['id', 'x'.repeat(201), 'at most 200 characters'],
    ['source', 'a\nb', 'without control characters'],
    ['time', 'yesterday', 'date and time with an offset'],
    ['senttime', 1_700_000_000, 'date and time with an offset'],
    ['version', 0, 'whole number from 1 to 1000'],
    ['version', '1', 'whole number from 1 to 1000'],
    ['datacontenttype', 'text/xml', 'JSON media type'],
    ['traceparent', '00-zz', 'traceparent'],
    ['data', 'text', 'a JSON object'],
    ['data', null, 'a JSON object'],
  ])('refuses %s %p, saying what was expected', (name, value, expected) => {
    expect(checkWireEvent({ ...event, [name]: value })).toMatchObject({ ok: false, pointer: `/${name}`, reason: expect.stringContaining(expected) });
  });
  it('answers for any JSON', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => {
      expect(checkWireEvent(value)).toHaveProperty('ok');
    }));
  });
});
