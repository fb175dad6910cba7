import fc from 'fast-check';
import { DomainError } from './domain-error.ts';
import { BUSINESS_CONTEXTS, CONTEXTS, isContext, logName, parseLogName, parseTenant } from './log.ts';

describe('contexts', () => {
  it('are the business ones, then one per deciding service', () => {
    expect(BUSINESS_CONTEXTS).toEqual(['clickstream', 'sales', 'customer', 'inventory', 'merchandise', 'marketing', 'social']);
    expect(CONTEXTS.slice(0, 7)).toEqual(BUSINESS_CONTEXTS);
    expect(new Set(CONTEXTS).size).toBe(CONTEXTS.length);
  });
  it('are told from other words', () => {
    expect(['sales', 'backbone'].every(isContext)).toBe(true);
    expect(['Sales', 'sale', '', 'sales/0', 'length', '0'].some(isContext)).toBe(false);
  });
});

describe('a tenant', () => {
  it.each(['shop', 'a', '0', 'shop-2', 'x'.repeat(32)])('may be %s', (name) => expect(parseTenant(name)).toBe(name));
  it.each(['', 'Shop', 'shop.eu', 'shop_1', 'shop/1', 'sh op', 'shöp', '*', '>', 'shop\n', 'x'.repeat(33)])('may not be %j: it stands in subjects and file names', (name) => {
    expect(() => parseTenant(name)).toThrow(expect.objectContaining({ kind: 'invalid', code: 'tenant-malformed' }));
  });
  it('is never repeated in the refusal', () => {
    fc.assert(fc.property(fc.stringMatching(/^[A-Z]{8,40}$/), (name) => { expect(() => parseTenant(name)).not.toThrow(name); }));
  });
});

describe('a log name', () => {
  it('is context and shard', () => expect(logName({ context: 'sales', shard: 0 })).toBe('sales/0'));
  it('comes back from its text', () => {
    fc.assert(fc.property(fc.constantFrom(...CONTEXTS), fc.nat(9999), (context, shard) => {
      expect(parseLogName('shop', logName({ context, shard }))).toEqual({ tenant: 'shop', context, shard });
    }));
  });
  it.each(['sales', 'sales/', 'sales/x', 'sales/-1', 'sales/1.5', 'sales/0/1', 'sales/10000', '/0', 'shipping/0', '', 'sales /0', 'Sales/0'])('is not %j', (name) => {
    expect(() => parseLogName('shop', name)).toThrow(expect.objectContaining({ code: 'log-name-malformed' }));
  });
  it('is cut in a refusal', () => {
    expect(() => parseLogName('shop', 'x'.repeat(10_000))).toThrow(/^A log is named [^]{1,150}$/);
    expect(() => parseLogName('shop', 'x'.repeat(10_000))).toThrow(DomainError);
  });
});
