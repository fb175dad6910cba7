import { describe, expect, it } from '@jest/globals';
import { chosenTenant, hasSales, isTenantName, tenantOptions } from './tenant-choice.ts';

const logs = [{ tenant: 'demo', log: 'sales/0' }, { tenant: 'millrace', log: 'security/0' }, { tenant: 'empty', log: 'customer/0' }];

describe('the tenant that is shown', () => {
  it('is the address\'s, then the one looked at last, then the first who sells', () => {
    expect(chosenTenant({ address: 'a', stored: 'b', logs })).toBe('a');
    expect(chosenTenant({ address: null, stored: 'b', logs })).toBe('b');
    expect(chosenTenant({ address: null, stored: null, logs })).toBe('demo');
    expect(chosenTenant({ address: null, stored: null, logs: [...logs, { tenant: 'shop', log: 'sales/0' }] })).toBe('shop');
    expect(chosenTenant({ address: null, stored: null, logs: [] })).toBe('shop');
  });

  it('is not known before the logs are, without a choice', () => {
    expect(chosenTenant({ address: null, stored: null })).toBeUndefined();
    expect(chosenTenant({ address: null, stored: 'b' })).toBe('b');
  });

  it('is never one remembered that can be no tenant\'s name', () => {
    expect(chosenTenant({ address: null, stored: '<script>', logs })).toBe('demo');
  });
});

it.each([['shop', true], ['a-1', true], ['x'.repeat(32), true], ['x'.repeat(33), false], ['', false], ['Shop', false], ['a b', false], ['a\n', false], [null, false]])('%j as a name: %s', (text, valid) => {
  expect(isTenantName(text)).toBe(valid);
});

it('offers the platform\'s own tenant last, and says what it is', () => {
  expect(tenantOptions([...logs, { tenant: 'zoo', log: 'sales/0' }], 'new')).toEqual([{ name: 'empty', label: 'empty' }, { name: 'new', label: 'new' }, { name: 'zoo', label: 'zoo' }, { name: 'demo', label: 'demo' }, { name: 'millrace', label: 'millrace (platform audit)' }]);
});

it('tells who sells', () => {
  expect([hasSales(logs, 'demo'), hasSales(logs, 'empty'), hasSales(logs, 'nobody')]).toEqual([true, false, false]);
});
