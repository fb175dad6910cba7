import { describe, expect, it } from '@jest/globals';
import type { Json } from '@millrace/kernel';
import { toCandidate } from './candidate.step.ts';
import { fromStructured } from './raw-event.ts';
import type { SourceGrant } from './source-grant.rule.ts';

const now = Date.parse('2026-11-23T12:00:00Z');
const grant: SourceGrant = { tenant: 'shop', name: 'web', recordOf: ['sales', 'customer'] };
const page = { specversion: '1.0', id: 'e-1', source: '/shop', type: 'clickstream.page.viewed', time: '2026-11-23T11:59:00Z', data: { sessionId: 's-1', path: '/' } };
const profile = { ...page, type: 'customer.profile.registered', data: { customer: { number: '1785012', email: 'ann@shop.example', name: 'Ann' } } };

const candidate = (value: Json, of = grant) => toCandidate(fromStructured(0, Buffer.from(JSON.stringify(value)), { value }), of, now);
const refusal = (value: Json, of = grant) => {
  const checked = candidate(value, of);
  return checked.ok ? undefined : [checked.rejection.code, checked.rejection.pointer];
};

describe('what a source may bring', () => {
  it('takes clickstream from anyone, records only from their system of record', () => {
    const tracker = { ...grant, recordOf: [] };
    expect(refusal(page, tracker)).toBeUndefined();
    expect(refusal(profile, tracker)).toEqual(['context-not-granted', '/type']);
    expect(refusal(profile)).toBeUndefined();
  });

  it.each([[['clickstream.*'], undefined], [['clickstream.page.viewed'], undefined], [['clickstream.page.*'], undefined], [['sales.*'], ['type-not-granted', '/type']], [[], ['type-not-granted', '/type']]])('holds a key to its types: %j', (types, expected) => {
    expect(refusal(page, { ...grant, types })).toEqual(expected);
  });

  it('lets nobody state the platform\'s own facts', () => {
    expect(refusal({ ...page, type: 'security.session.opened', data: {} }, { ...grant, types: undefined })).toEqual(['context-not-granted', '/type']);
  });

  it('refuses another tenant and takes its own', () => {
    expect(refusal({ ...page, tenant: 'other' })).toEqual(['tenant-not-granted', '/tenant']);
    expect(refusal({ ...page, tenant: 'shop' })).toBeUndefined();
  });
});

describe('attributes', () => {
  it.each<[string, Json, string, string]>([
    ['another specversion', { ...page, specversion: '0.3' }, 'attribute-malformed', '/specversion'],
    ['no id', { ...page, id: null }, 'attribute-malformed', '/id'],
    ['an empty id', { ...page, id: '' }, 'attribute-malformed', '/id'],
    ['an id with a line break', { ...page, id: 'a\nb' }, 'attribute-malformed', '/id'],
    ['a source that is a number', { ...page, source: 7 }, 'attribute-malformed', '/source'],
    ['an unknown type', { ...page, type: 'com.example.someevent' }, 'type-unknown', '/type'],
    ['an unknown version', { ...page, version: 99 }, 'version-unknown', '/version'],
    ['version zero', { ...page, version: 0 }, 'attribute-malformed', '/version'],
    ['a content type that is not JSON', { ...page, datacontenttype: 'text/plain' }, 'attribute-malformed', '/datacontenttype'],
    ['no data', { ...page, data: null }, 'data-not-object', '/data'],
    ['data as a list', { ...page, data: [] }, 'data-not-object', '/data'],
    ['data as base64', { ...page, data_base64: 'e30=' }, 'data-not-json', '/data_base64'],
    ['a time that is none', { ...page, time: 'noon' }, 'attribute-malformed', '/time'],
    ['a future time', { ...page, time: '2027-01-01T00:00:00Z' }, 'time-in-future', '/time'],
    ['an ancient time', { ...page, time: '1970-01-01T00:00:00Z' }, 'time-too-early', '/time'],
    ['data that misses a field', { ...page, data: { path: '/' } }, 'data-invalid', '/data/sessionId'],
    ['data of another kind', { ...page, data: { sessionId: 's', path: 5 } }, 'data-invalid', '/data/path'],
    ['an e-mail address as subject', { ...page, subject: 'ann@shop.example' }, 'personal-in-envelope', '/subject'],
    ['the customer number in the id', { ...profile, id: 'registered/1785012' }, 'personal-in-envelope', '/id'],
    ['the e-mail in the source', { ...profile, source: 'mailto:ann@shop.example' }, 'personal-in-envelope', '/source'],
  ])('refuses %s', (_, value, code, pointer) => {
    expect(refusal(value)).toEqual([code, pointer]);
  });

  it('takes a number that only looks like part of the id, and a subject of an event about a person (it is not stored)', () => {
    expect(refusal({ ...profile, id: 'x17850129' })).toBeUndefined();
    expect(refusal({ ...profile, subject: '1785012' })).toBeUndefined();
  });

  it('takes null attributes as absent, and a version of digits as a number', () => {
    expect(candidate({ ...page, subject: null, version: '1' })).toMatchObject({ ok: true, value: { incoming: { version: 1, subject: undefined } } });
  });
});

describe('data stored in clear', () => {
  const visit = (data: object) => ({ ...page, data: { ...page.data, visitor: { id: 'v-81-abcdef' }, ...data } });
  const search = (query: string) => ({ ...page, type: 'clickstream.search.performed', data: { sessionId: 's-1', query } });
  const line = { lineNo: 1, productId: '85123A', quantity: 1, unitPrice: '1', kind: 'product', placedAt: page.time };
  const order = (data: object) => ({ ...page, type: 'sales.order.placed', data: { orderId: 'o-1', currency: 'EUR', customer: { number: '1785012' }, lines: [line], ...data } });

  it.each<[string, Json, string]>([
    ['an e-mail address as session', visit({ sessionId: 'ann@example.org' }), '/data/sessionId'],
    ['an e-mail address in a path', visit({ path: '/u/ann@example.org' }), '/data/path'],
    ['an encoded e-mail address in a path', visit({ path: '/u/ann%40example.org/orders' }), '/data/path'],
    ['an e-mail address in a title', visit({ title: 'Orders of Ann.Lee@example.org' }), '/data/title'],
    ['an e-mail address in a search', search('parcel for ann@shop.example'), '/data/query'],
    ['the visitor as session', visit({ sessionId: 'v-81-abcdef' }), '/data/sessionId'],
    ['the visitor in a path', visit({ path: '/u/v-81-abcdef/cart' }), '/data/path'],
    ['the customer as order', order({ orderId: '1785012' }), '/data/orderId'],
    ['the customer in an order\'s id', order({ orderId: 'web/1785012' }), '/data/orderId'],
    ['an e-mail address in a line', order({ lines: [line, { ...line, description: 'gift to ann@example.org' }] }), '/data/lines/1/description'],
  ])('refuses %s', (_, value, pointer) => {
    expect(refusal(value)).toEqual(['personal-in-clear', pointer]);
    expect(JSON.stringify(candidate(value))).not.toMatch(/@example|1785012|v-81/);
  });

  it.each<[string, Json]>([
    ['an article that has the customer\'s number by chance', order({ lines: [{ ...line, productId: '1785012', description: '1785012' }] })],
    ['a number that is only part of another', order({ orderId: '17850123' })],
    ['a price in a text', search('5@2.50 mugs')],
    ['an at sign in a text', search('candles @ home')],
    ['a picture for dense screens', visit({ path: '/img/logo@2x.png' })],
    ['a handle', search('@ann')],
    ['a version', visit({ path: '/package/kit@1.2.3' })],
    ['short identifiers', { ...page, data: { sessionId: 'v-1', path: '/v-1', visitor: { id: 'v-1' } } }],
  ])('takes %s', (_, value) => {
    expect(refusal(value)).toBeUndefined();
  });

  it('is looked through in time that grows with the text alone', () => {
    expect(refusal(visit({ path: `/${'a'.repeat(1000)}@${'b'.repeat(1000)}` }))).toBeUndefined();
    expect(refusal(visit({ path: `/${'a@'.repeat(1000)}` }))).toBeUndefined();
  });
});

describe('minimisation', () => {
  it('drops and counts what nothing names, attributes and fields, prototypes too', () => {
    const value = JSON.parse('{"extra":1,"comexample":"x"}') as Record<string, Json>;
    const data = JSON.parse('{"sessionId":"s","path":"/","password":"hunter2","__proto__":{"x":1}}') as Json;
    const checked = candidate({ ...page, ...value, data });
    expect(checked).toMatchObject({ ok: true, value: { data: { sessionId: 's', path: '/' }, dropped: 4 } });
    expect(JSON.stringify(checked.ok && checked.value.data)).not.toContain('hunter2');
  });

  it('never repeats a value in a refusal', () => {
    expect(JSON.stringify(candidate({ ...profile, data: { customer: { number: '1785012', phone: 'call Ann' } } }))).not.toMatch(/Ann|1785012/);
  });
});
