import { describe, expect, it } from '@jest/globals';
import { CONTEXTS, DomainError } from '@millrace/kernel';
import fc from 'fast-check';
import { optionalTenant, parseArchiveWish, parseEventId, parseLogPage, parseRecoveryWish, parseVerificationWish, requiredTenant } from './parameters.ts';

const refusal = (act: () => unknown): { kind: string; code: string; message: string } => {
  try {
    act();
  } catch (error) {
    if (error instanceof DomainError) return { kind: error.kind, code: error.code, message: error.message };
    throw error;
  }
  throw new Error('not refused');
};

/** Whether the answer is one of the two there may be; anything else is thrown. */
const pageOrRefusal = (context: string, shard: string, query: unknown): boolean => {
  try {
    const { after, limit } = parseLogPage(context, shard, query);
    return Number.isSafeInteger(after) && after >= 0 && limit >= 1 && limit <= 1000;
  } catch (error) {
    if (error instanceof DomainError) return error.kind === 'invalid';
    throw error;
  }
};

describe('a page of a log', () => {
  it('begins at the start and has a hundred events unless told', () => {
    expect(parseLogPage('sales', '0', { tenant: 'shop' })).toEqual({ log: { tenant: 'shop', context: 'sales', shard: 0 }, after: 0, limit: 100 });
  });

  it('is what the query says, for any log and numbers in bounds', () => {
    fc.assert(fc.property(fc.constantFrom(...CONTEXTS), fc.nat(9999), fc.maxSafeNat(), fc.integer({ min: 1, max: 1000 }), (context, shard, after, limit) => {
      expect(parseLogPage(context, String(shard), { tenant: 'shop', after: String(after), limit: String(limit) })).toEqual({ log: { tenant: 'shop', context, shard }, after, limit });
    }));
  });

  it('may be filtered by type and subject reference', () => {
    const subject = `sub_${'0f'.repeat(16)}`;
    expect(parseLogPage('sales', '0', { tenant: 'shop', type: 'sales.order.placed', subject })).toMatchObject({ type: 'sales.order.placed', subject });
    for (const wrong of [{ type: 'Sales.order' }, { subject: '17850' }, { subject: subject.toUpperCase() }]) expect(refusal(() => parseLogPage('sales', '0', { tenant: 'shop', ...wrong }))).toMatchObject({ code: 'parameters-invalid' });
  });

  it.each([
    ['after', '-1'], ['after', '1.5'], ['after', ''], ['after', ' 7'], ['after', '0x10'], ['after', '1e3'], ['after', 'NaN'], ['after', '9007199254740993'], ['after', '99999999999999999999'],
    ['limit', '0'], ['limit', '1001'], ['limit', ''], ['limit', 'all'], ['limit', '10;drop table'],
  ])('refuses %s=%j, naming the parameter', (name, value) => {
    const { kind, code, message } = refusal(() => parseLogPage('sales', '0', { tenant: 'shop', [name]: value }));
    expect([kind, code]).toEqual(['invalid', 'parameters-invalid']);
    expect(message).toContain(`${name}: `);
  });

  it('refuses a parameter given twice: one of them would be ignored', () => {
    expect(refusal(() => parseLogPage('sales', '0', { tenant: 'shop', after: ['1', '2'] }))).toMatchObject({ code: 'parameters-invalid', message: expect.stringContaining('after') });
    expect(refusal(() => requiredTenant({ tenant: ['shop', 'other'] }))).toMatchObject({ code: 'parameters-invalid', message: expect.stringContaining('tenant') });
  });

  it('refuses a parameter it does not know: a bound misspelt is a bound missing', () => {
    expect(refusal(() => parseLogPage('sales', '0', { tenant: 'shop', from: '3' }))).toMatchObject({ code: 'parameters-invalid', message: expect.stringContaining('"from"') });
  });

  it('names all faults at once and repeats no value', () => {
    const { message } = refusal(() => parseLogPage('sales', '0', { after: 'secret-one', limit: 'secret-two' }));
    expect(message).toMatch(/tenant: .*; after: expected a whole number; limit: expected a whole number/);
    expect(message).not.toMatch(/secret/);
  });

  it.each([['shipping', '0'], ['Sales', '0'], ['sales', 'x'], ['sales', '-1'], ['sales', '10000'], ['sales', '0/1'], ['', '']])('refuses the log %j/%j', (context, shard) => {
    expect(refusal(() => parseLogPage(context, shard, { tenant: 'shop' }))).toMatchObject({ kind: 'invalid', code: 'log-name-malformed' });
  });

  it('is either a page in bounds or a DomainError, whatever comes', () => {
    fc.assert(fc.property(fc.string(), fc.string(), fc.dictionary(fc.constantFrom('tenant', 'after', 'limit', 'x'), fc.oneof(fc.string(), fc.array(fc.string()))), (context, shard, query) => {
      expect(pageOrRefusal(context, shard, query)).toBe(true);
    }));
  });
});

describe('the tenant', () => {
  it('may be left out where all are meant', () => {
    expect(optionalTenant({})).toBeUndefined();
    expect(optionalTenant({ tenant: 'shop' })).toBe('shop');
    expect(requiredTenant({ tenant: 'shop' })).toBe('shop');
  });
  it('must be there where one is meant', () => expect(refusal(() => requiredTenant({}))).toMatchObject({ kind: 'invalid', code: 'parameters-invalid', message: expect.stringContaining('tenant: ') }));
  it.each([requiredTenant, optionalTenant])('must be well-formed: empty is not "all"', (parse) => {
    for (const tenant of ['', '*', 'Shop', 'shop_1', 'x'.repeat(33)]) expect(refusal(() => parse({ tenant }))).toMatchObject({ kind: 'invalid', code: 'tenant-malformed' });
  });
  it('stands alone', () => expect(refusal(() => optionalTenant({ tenat: 'shop' }))).toMatchObject({ code: 'parameters-invalid', message: expect.stringContaining('"tenat"') }));
});

describe('an event id', () => {
  it('is any text of 1 to 200 bytes', () => {
    for (const id of ['a', 'ord/17?x=ü', 'x'.repeat(200), 'é'.repeat(100)]) expect(parseEventId(id)).toBe(id);
  });
  it.each(['', 'x'.repeat(201), 'é'.repeat(101), 'a\0b', '\0'])('is not %j, which the database could not look up', (id) => {
    expect(refusal(() => parseEventId(id))).toMatchObject({ kind: 'invalid', code: 'event-id-malformed' });
  });
});

describe('what an operator asks for', () => {
  it('is about all logs, a tenant\'s, or those of a name', () => {
    expect(parseVerificationWish({})).toEqual({ recovered: [] });
    expect(parseVerificationWish({ log: 'sales/0' })).toEqual({ log: 'sales/0', recovered: [] });
    expect(parseVerificationWish({ tenant: 'shop', log: 'sales/0', recovered: '7,12' })).toEqual({ tenant: 'shop', log: 'sales/0', recovered: [7, 12] });
    expect(parseRecoveryWish({ tenant: 'shop', reason: ' a disk ' })).toEqual({ tenant: 'shop', reason: 'a disk' });
  });

  it.each([[{ recovered: '' }], [{ recovered: '7,' }], [{ recovered: '1'.repeat(16) }], [{ log: 'sales' }], [{ tenant: 'Shop' }], [{ epoch: '7' }]])('is refused as %j', (query) => {
    expect(refusal(() => parseVerificationWish(query)).kind).toBe('invalid');
  });

  it('bounds a segment from both sides', () => {
    const wish = { tenant: 'shop', log: 'sales/0', through: 500 };
    expect(parseArchiveWish({ ...wish, segmentEvents: 100 })).toEqual({ log: { tenant: 'shop', context: 'sales', shard: 0 }, through: 500, segmentEvents: 100 });
    for (const segmentEvents of [99, 100_001, 100.5, '100']) expect(refusal(() => parseArchiveWish({ ...wish, segmentEvents })).code).toBe('parameters-invalid');
  });
});
