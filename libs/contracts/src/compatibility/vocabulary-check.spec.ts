import { z } from 'zod';
import type { EventContract, EventData } from '../contract.ts';
import { byField, bySubject, defineContract } from '../define-contract.ts';
import { code, customerEmail, customerNumber, id, personName, text, units } from '../field.ts';
import type { Fixture } from '../fixtures/fixture.ts';
import { FIXTURES } from '../fixtures/frozen.ts';
import { CONTRACTS } from '../registry.ts';
import { RELEASED_CONTRACTS } from '../released/released-contracts.ts';
import { standInFor } from '../stored-form.ts';
import { readersOf, type ContractReader } from './finding.ts';
import { releasedForm, VocabularyCheck, type Vocabulary } from './vocabulary-check.ts';

const type = 'sales.gift.wrapped';
const readers: readonly ContractReader[] = [
  { name: 'projection analytics/gifts', type, pointers: ['/giftId', '/paper'] },
  { name: 'metric gifts.paper', type, pointers: ['/paper'] },
  { name: 'service analytics', type, pointers: [''] },
];
const shape = { giftId: id(), paper: code(), note: text(50).optional(), customer: z.object({ number: customerNumber() }).optional() };
const first = defineContract({ type, version: 1, summary: 'x', schema: z.object(shape), subject: 'customer', stream: byField('gift', 'giftId') });
const fixture = (version: number, data: EventData): Fixture => ({ type, version, data, sha256: '' });
const old = fixture(1, { giftId: 'g', paper: 'crimson', note: 'hi', customer: { number: '1' } });
const released = [releasedForm(first, [old])];
const check = (change: Partial<Vocabulary>) => new VocabularyCheck({ contracts: [first], fixtures: [old], released, readers, ...change });
const instead = (change: Partial<Parameters<typeof defineContract>[0]>): EventContract => defineContract({ type, version: 1, summary: 'x', schema: z.object(shape), subject: 'customer', stream: byField('gift', 'giftId'), ...change });
const next = (fields: z.ZodRawShape, upcast: (old: EventData) => EventData, more: Partial<Parameters<typeof defineContract>[0]> = {}): EventContract => instead({ version: 2, schema: z.object(fields), upcast, ...more });
const rules = (contracts: readonly EventContract[], fixtures: readonly Fixture[] = [old]) => check({ contracts, fixtures }).run().map(({ rule, version, pointer }) => `${rule} @${version} ${pointer}`.trim());

describe('a release', () => {
  it('of what was released is compatible', () => expect(check({}).run()).toEqual([]));
  it('that takes a field away names who would break', () => {
    const { paper: _, ...rest } = shape;
    const [gone] = check({ contracts: [instead({ schema: z.object(rest) })] }).run();
    expect(gone).toEqual({ rule: 'field-removed', type, version: 1, pointer: '/paper', says: expect.stringMatching(/^\/paper: it is gone: old events hold it/), breaks: ['metric gifts.paper', 'projection analytics/gifts', 'service analytics'] });
  });
  it('that asks for a field says that old events lack it, and the fixture proves it', () => {
    const found = check({ contracts: [instead({ schema: z.object({ ...shape, ribbon: code() }) })] }).run();
    expect(found).toMatchObject([{ rule: 'field-required', pointer: '/ribbon', says: expect.stringContaining('old events lack this field'), breaks: ['service analytics'] }, { rule: 'fixture-refused', pointer: '/ribbon' }]);
  });
  it('that drops a contract is refused', () => expect(check({ contracts: [] }).run()).toMatchObject([{ rule: 'contract-removed', breaks: ['metric gifts.paper', 'projection analytics/gifts', 'service analytics'] }]));
  it('that moves the person, or the stream, is refused', () => {
    expect(rules([instead({ subject: undefined })])).toContain('subject-changed @1 /customer');
    expect(rules([instead({ stream: byField('parcel', 'giftId') })])).toContain('stream-changed @1');
    expect(rules([instead({ stream: byField('gift', 'paper') })])).toContain('stream-changed @1');
    expect(rules([instead({ stream: bySubject('gift', 'paper') })])).toContain('stream-changed @1');
  });
  it('that protects a field otherwise is refused', () => expect(rules([instead({ schema: z.object({ ...shape, note: personName().optional() }) })])).toContain('privacy-changed @1 /note'));
  it('without a fixture of a version is refused: nothing would show that it can be read', () => expect(rules([first], [])).toEqual(['fixture-missing @1']));
});

describe('a next version', () => {
  const { paper, giftId, customer } = shape;
  const renamed = { giftId, wrapping: paper, note: text(50).optional(), customer };
  const rename = ({ paper: wrapping, ...rest }: EventData): EventData => ({ ...rest, wrapping });
  const young = fixture(2, { giftId: 'g', wrapping: 'red' });

  it('with an upcaster that fits is compatible', () => expect(rules([first, next(renamed, rename)], [old, young])).toEqual([]));
  it('is followed by whoever reads a field of an older version at its place today', () => {
    const { paper: _, ...rest } = shape;
    const today = [{ name: 'metric gifts.wrapping', type, pointers: ['/wrapping'] }];
    const [gone] = check({ contracts: [instead({ schema: z.object(rest) }), next(renamed, rename)], fixtures: [old, young], readers: today }).run();
    expect(gone).toMatchObject({ rule: 'field-removed', version: 1, pointer: '/paper', breaks: ['metric gifts.wrapping'] });
  });
  it('whose upcaster leaves out what is required is refused, field by field', () => {
    expect(check({ contracts: [first, next(renamed, (data) => data)], fixtures: [old, young] }).run()).toMatchObject([{ rule: 'upcast-refused', version: 1, pointer: '/wrapping', says: expect.stringContaining('read as version 2, an old event does not fit there') }]);
  });
  it('whose upcaster throws is refused', () => expect(rules([first, next(renamed, () => { throw new TypeError('x'); })], [old, young])).toEqual(['upcast-failed @1']));
  it('that leads an event into another stream is refused', () => expect(rules([first, next(renamed, (data) => ({ ...rename(data), giftId: 'other' }))], [old, young])).toEqual(['stream-changed @1']));
  it('that wants in clear what was sealed is refused: an upcaster cannot open it', () => {
    const sealedNote = instead({ schema: z.object({ ...shape, note: personName().optional() }) });
    const found = check({ released: [], contracts: [sealedNote, next(shape, (data) => data)], fixtures: [old, fixture(2, old.data)] }).run();
    expect(found).toMatchObject([{ rule: 'upcast-refused', pointer: '/note' }]);
  });
  it('that identifies a person by something else is refused', () => {
    const byMail = { ...shape, customer: z.object({ number: customerEmail() }).optional() };
    expect(rules([first, next(byMail, (data) => data)], [old, fixture(2, { giftId: 'g', paper: 'red' })])).toEqual(['identifier-changed @2 /customer/number']);
  });
  it('without an upcaster cannot even be made a vocabulary', () => expect(() => check({ contracts: [first, next(renamed, rename, { upcast: undefined })] })).toThrow(expect.objectContaining({ code: 'upcaster-missing' })));
});

describe('an event of the past', () => {
  const stored = standInFor(first, old.data);
  it('that fits its version, and the newest, is no finding', () => expect(check({}).past({ type, version: 1, data: stored })).toBeUndefined());
  it('of a type outside the vocabulary is its owner\'s matter', () => expect(check({}).past({ type: 'security.session.closed', version: 1, data: {} })).toBeUndefined());
  it('of a version that is gone is one', () => expect(check({}).past({ type, version: 7, data: stored })).toMatchObject({ rule: 'contract-removed', version: 7 }));
  it('that its own contract refuses is named by place, with who reads it and without its values', () => {
    const found = check({ contracts: [instead({ schema: z.object({ ...shape, paper: units(1) }) })] }).past({ type, version: 1, data: stored });
    expect(found).toMatchObject({ rule: 'past-refused', pointer: '/paper', breaks: ['metric gifts.paper', 'projection analytics/gifts', 'service analytics'] });
    expect(JSON.stringify(found)).not.toContain('crimson');
  });
  it('holding personal data in clear is one, and is not quoted', () => {
    const found = check({}).past({ type, version: 1, data: { ...stored, customer: { number: '4711' } } });
    expect(found).toMatchObject({ rule: 'past-refused', pointer: '/customer/ref' });
    expect(JSON.stringify(found)).not.toContain('4711');
  });
});

describe('readers', () => {
  it('of a field are those of the field, of what holds it and of what it holds', () => {
    const among = [{ name: 'a', type, pointers: ['/lines/*/price'] }, { name: 'b', type, pointers: ['/lines'] }, { name: 'c', type, pointers: ['/linesToo'] }, { name: 'd', type: 'x', pointers: [''] }];
    expect(readersOf(among, type, '/lines/*/price')).toEqual(['a', 'b']);
    expect(readersOf(among, type, '/lines')).toEqual(['a', 'b']);
    expect(readersOf(among, type, '')).toEqual(['a', 'b', 'c']);
  });
});

it('finds a required field taken away from any contract of ours', () => {
  for (const contract of CONTRACTS) {
    const [name = ''] = contract.jsonSchema['required'] as string[];
    const { [name]: _, ...properties } = contract.jsonSchema['properties'] as Record<string, unknown>;
    const spoiled = CONTRACTS.map((each) => (each === contract ? { ...each, jsonSchema: { ...each.jsonSchema, properties, required: [] } } : each));
    const found = new VocabularyCheck({ contracts: spoiled, fixtures: FIXTURES, released: RELEASED_CONTRACTS, readers: [] }).run();
    expect(found.filter(({ rule }) => rule === 'field-removed')).toMatchObject([{ type: contract.type, version: contract.version, pointer: `/${name}` }]);
  }
});
