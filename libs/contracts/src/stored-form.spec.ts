import { FIXTURES } from './fixtures/frozen.ts';
import { CONTRACTS, findContract } from './registry.ts';
import { checkStored, standInFor, storedSchemaOf } from './stored-form.ts';
import { completeExample } from './testing.ts';
import { compile } from './validate.ts';

const contractOf = (type: string, version = 1) => findContract(type, version)!;
const profile = contractOf('customer.profile.registered');
const order = contractOf('sales.order.placed', 2);
const fixtureOf = (type: string) => FIXTURES.find((fixture) => fixture.type === type)!.data;

describe('the stored form of a contract', () => {
  it.each(CONTRACTS.map((contract) => [`${contract.type}@${contract.version}`, contract] as const))('%s compiles strictly', (_name, contract) => {
    expect(compile(storedSchemaOf(contract))).toBeInstanceOf(Function);
  });
  it('has the person by reference, what is kept sealed with its path, and no identifier else', () => {
    const stored = standInFor(profile, fixtureOf('customer.profile.registered'));
    expect(stored).toMatchObject({ customer: { ref: expect.stringMatching(/^sub_/), number: { $sealed: { path: '/customer/number', typeVersion: 1, purpose: 'identity' } }, address: { $sealed: { purpose: 'contact' } } }, country: 'United Kingdom' });
    expect(JSON.stringify(stored)).not.toMatch(/17850|Ann|shop\.example/);
    expect(checkStored(profile, stored)).toBeUndefined();
    const placed = standInFor(order, FIXTURES.find((fixture) => fixture.type === order.type && fixture.version === 2)!.data);
    expect(placed['customer']).toEqual({ ref: `sub_${'0'.repeat(32)}` });
  });
  it('refuses personal data in clear, a person without reference, and a damaged sealed value', () => {
    const stored = standInFor(profile, fixtureOf('customer.profile.registered')) as { customer: Record<string, unknown> };
    const withCustomer = (change: Record<string, unknown>) => checkStored(profile, { ...stored, customer: { ...stored.customer, ...change } });
    expect(withCustomer({ name: 'Ann' })).toEqual({ pointer: '/customer/name', reason: 'expected a sealed value, got a text of 3 characters' });
    expect(withCustomer({ ref: 'Ann' })).toMatchObject({ pointer: '/customer/ref' });
    expect(withCustomer({ ref: undefined })).toMatchObject({ pointer: '/customer/ref' });
    expect(withCustomer({ phone: { $sealed: { subject: 'sub_1' } } })).toMatchObject({ pointer: '/customer/phone/$sealed/purpose' });
  });
  it('asks for a person only where the wire did', () => {
    const { customer: _, ...anonymous } = standInFor(order, FIXTURES.find((fixture) => fixture.type === order.type && fixture.version === 2)!.data);
    expect(checkStored(order, anonymous)).toBeUndefined();
    expect(checkStored(order, { ...anonymous, lines: [] })).toMatchObject({ pointer: '/lines' });
  });
  it('of a contract without personal fields is the wire form', () => {
    const stock = contractOf('inventory.stock.received');
    expect(storedSchemaOf(stock)).toEqual({ ...stock.jsonSchema });
    expect(standInFor(stock, fixtureOf(stock.type))).toEqual(fixtureOf(stock.type));
  });
  it('keeps a sealed field\'s place in a visit', () => {
    const stored = standInFor(contractOf('clickstream.page.viewed'), fixtureOf('clickstream.page.viewed'));
    expect(stored).toMatchObject({ visitor: { ref: expect.stringMatching(/^sub_/) }, ip: { $sealed: { path: '/ip', purpose: 'network' } } });
  });
});

describe('a complete example', () => {
  it.each(CONTRACTS.map((contract) => [`${contract.type}@${contract.version}`, contract] as const))('of %s fits, and is the same every time', (_name, contract) => {
    expect(checkStored(contract, completeExample(contract))).toBeUndefined();
    expect(completeExample(contract)).toEqual(completeExample(contract));
  });
});
