import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { readEventRequest } from './event-request.ts';
import { INTAKE_LIMITS } from './limits.ts';

const event = { specversion: '1.0', id: 'a-1', source: '/shop', type: 'clickstream.page.viewed', data: { sessionId: 's', path: '/' } };
const STRUCTURED = { 'content-type': 'application/cloudevents+json' };
const BATCH = { 'content-type': 'application/cloudevents-batch+json; charset=UTF-8' };
const BINARY = { 'content-type': 'application/json', 'ce-specversion': '1.0', 'ce-id': 'a-1', 'ce-source': '/shop', 'ce-type': 'clickstream.page.viewed' };

const read = (headers: Record<string, string>, body: string | Buffer) => readEventRequest({ headers, body: Buffer.from(body) });
const refusal = async (headers: Record<string, string>, body: string | Buffer): Promise<string> => {
  try {
    await read(headers, body);
    return 'nothing thrown';
  } catch (error) {
    return (error as { code: string }).code;
  }
};
const one = async (headers: Record<string, string>, body: string | Buffer) => (await read(headers, body))[0]!;

describe('content modes', () => {
  it('reads a structured event into attributes and data, and keeps its exact bytes', async () => {
    const text = `  ${JSON.stringify(event)}\n`;
    const raw = await one(STRUCTURED, text);
    expect(raw).toMatchObject({ index: 0, attributes: { id: 'a-1', source: '/shop' }, data: event.data });
    expect(Buffer.from(raw.bytes).toString()).toBe(text.trim());
  });

  it('reads a batch in its order', async () => {
    const raws = await read(BATCH, JSON.stringify([event, { ...event, id: 'a-2' }]));
    expect(raws.map(({ index, attributes }) => [index, attributes['id']])).toEqual([[0, 'a-1'], [1, 'a-2']]);
    expect(await read(BATCH, '[]')).toEqual([]);
  });

  it('reads binary mode with percent-encoded and quoted headers', async () => {
    const raw = await one({ ...BINARY, 'ce-subject': 'Caf%C3%A9%20%F0%9F%98%80', 'ce-correlationid': '"a \\"quoted\\" one"' }, JSON.stringify(event.data));
    expect(raw.fault).toBeUndefined();
    expect(raw.attributes).toMatchObject({ specversion: '1.0', subject: 'Café 😀', correlationid: 'a "quoted" one', datacontenttype: 'application/json' });
    expect(JSON.parse(Buffer.from(raw.bytes).toString())).toMatchObject({ id: 'a-1', data: event.data });
  });

  it('names the header whose percent-encoding is broken', async () => {
    expect((await one({ ...BINARY, 'ce-subject': '%C3%28' }, '{}')).fault).toMatchObject({ pointer: '/subject', code: 'attribute-malformed' });
  });

  it.each([
    [{ 'content-type': 'text/plain' }], [{ 'content-type': 'application/json' }], [{}], [{ ...BINARY, 'content-type': 'text/xml' }],
    [{ 'content-type': 'application/cloudevents+avro' }], [{ 'content-type': 'application/cloudevents+json; charset=iso-8859-1' }],
  ])('refuses %j', async (headers) => {
    expect(await refusal(headers as Record<string, string>, JSON.stringify(event))).toBe('content-type-unsupported');
  });
});

describe('limits of a request', () => {
  it('reads gzip', async () => {
    expect((await one({ ...STRUCTURED, 'content-encoding': 'gzip' }, gzipSync(JSON.stringify(event)))).attributes['id']).toBe('a-1');
  });

  it('stops a gzip bomb at the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, 0x20));
    expect(bomb.length).toBeLessThan(100_000);
    expect(await refusal({ ...STRUCTURED, 'content-encoding': 'gzip' }, bomb)).toBe('body-too-large');
  });

  it.each([
    ['gzip', Buffer.from('not gzip at all'), 'gzip-malformed'],
    ['gzip', gzipSync(JSON.stringify(event)).subarray(0, 40), 'gzip-malformed'],
    ['br', Buffer.from('{}'), 'content-encoding-unsupported'],
    ['identity', Buffer.alloc(INTAKE_LIMITS.maxBytes + 1, 0x20), 'body-too-large'],
    ['identity', Buffer.from([0x22, 0xff, 0x22]), 'not-utf8'],
    ['identity', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'not-utf8'],
    ['identity', Buffer.from('{"a":'), 'not-json'],
    ['identity', Buffer.from('{"a":nope}'), 'not-json'],
    ['identity', Buffer.from('\ufeff{}'), 'not-json'],
    ['identity', Buffer.from('{"a":"\0"}'), 'not-json'],
  ])('refuses a body in %s that is not in order: %#', async (encoding, body, code) => {
    expect(await refusal({ ...STRUCTURED, 'content-encoding': encoding }, body)).toBe(code);
  });

  it('refuses 501 events, takes 500', async () => {
    const events = Array.from({ length: 501 }, () => '{}');
    expect(await refusal(BATCH, `[${events.join()}]`)).toBe('events-too-many');
    expect(await read(BATCH, `[${events.slice(1).join()}]`)).toHaveLength(500);
  });

  it('refuses a batch of which one element is not JSON', async () => {
    expect(await refusal(BATCH, '[{"id":"a"},{"id":b}]')).toBe('not-json');
    expect(await refusal(BATCH, '[,]')).toBe('not-json');
    expect(await refusal(BATCH, '[{"id":"a"}}]')).toBe('not-json');
  });
});

describe('limits of one event leave its neighbours alone', () => {
  const wide = `{"id":"w","data":{${Array.from({ length: 10_000 }, (_, n) => `"f${n}":1`).join()}}}`;
  const deep = `{"id":"d","data":${'['.repeat(32)}${']'.repeat(32)}}`;

  it.each([
    ['too-deep', '', deep], ['too-many-members', '', wide], ['not-an-object', '', '[1]'], ['not-an-object', '', '7'],
    ['duplicate-key', '/data/a', '{"id":"x","data":{"a":1,"a":1}}'], ['nul-character', '/data/a', '{"id":"x","data":{"a":"\\u0000"}}'],
    ['lone-surrogate', '/data/a', '{"id":"x","data":{"a":"\\ud800"}}'], ['number-not-exact', '/data/a', '{"id":"x","data":{"a":1e999}}'],
  ])('%s is named at %j', async (code, pointer, text) => {
    const raws = await read(BATCH, `[${JSON.stringify(event)},${text},${JSON.stringify(event)}]`);
    expect(raws.map(({ fault }) => fault && [fault.code, fault.pointer])).toEqual([undefined, [code, pointer], undefined]);
  });

  it('says where in the data of a binary event the fault is', async () => {
    expect((await one(BINARY, '{"a":{"b":1,"b":2}}')).fault).toMatchObject({ code: 'duplicate-key', pointer: '/data/a/b' });
  });

  it('takes an order of a thousand lines', async () => {
    const lines = Array.from({ length: 1200 }, (_, lineNo) => ({ lineNo, productId: 'p', quantity: 1, unitPrice: '1.00', kind: 'product', placedAt: '2026-01-01T00:00:00Z' }));
    expect((await one(STRUCTURED, JSON.stringify({ ...event, data: { lines } }))).fault).toBeUndefined();
  });
});
