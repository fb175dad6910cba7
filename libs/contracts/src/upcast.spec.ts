import fc from 'fast-check';
import { z } from 'zod';
import type { EventContract, EventData } from './contract.ts';
import { byField, defineContract } from './define-contract.ts';
import { id, text } from './field.ts';
import { FIXTURES } from './fixtures/frozen.ts';
import { CONTRACTS, findContract, newestContract, upcast } from './registry.ts';
import { checkStored, standInFor } from './stored-form.ts';
import { storedDataOf } from './testing.ts';
import { upcaster, upcasting } from './upcast.ts';

const sealed = (path: string) => ({ $sealed: { subject: 'sub_1', purpose: 'identity', epoch: 1, path, typeVersion: 1, box: 'AAAA' } });

describe('a registered profile of version 1, read today', () => {
  const read = (data: EventData) => upcast('customer.profile.registered', 1, data);
  it('has name, phone and address under contact, as sealed as before and bound to where they were sealed', () => {
    const stored = { customer: { number: sealed('/customer/number'), name: sealed('/customer/name'), address: sealed('/customer/address'), ref: 'sub_1' }, country: 'DE' };
    expect(read(stored)).toEqual({ version: 2, data: { country: 'DE', customer: { number: sealed('/customer/number'), ref: 'sub_1' }, contact: { name: sealed('/customer/name'), address: sealed('/customer/address') } } });
  });
  it('has no contact when it had nothing to reach a person by', () => expect(read({ customer: { ref: 'sub_1' } })).toEqual({ version: 2, data: { customer: { ref: 'sub_1' } } }));
});

describe('an order of version 1, read today', () => {
  it.each(['placed', 'cancelled', 'returned', 'adjusted'])('has its quantities as text when it was %s', (fact) => {
    const lines = [{ quantity: -6 }, { quantity: '0.250' }, { quantity: 1e9 }].map((line) => ({ ...line, productId: 'p' }));
    expect(upcast(`sales.order.${fact}`, 1, { orderId: 'o', lines })).toEqual({ version: 2, data: { orderId: 'o', lines: [{ quantity: '-6', productId: 'p' }, { quantity: '0.250', productId: 'p' }, { quantity: '1000000000', productId: 'p' }] } });
  });
  it('stays what it is where it is no order: the reader says what is missing', () => {
    expect(upcast('sales.order.placed', 1, { key: 'a', lines: 'none' }).data).toEqual({ key: 'a', lines: 'none' });
    expect(upcast('sales.order.placed', 1, { lines: [null, 7, { quantity: 1.5 }] }).data).toEqual({ lines: [null, 7, { quantity: 1.5 }] });
  });
});

describe('what is current already', () => {
  const data = { sessionId: 's', path: '/' };
  it('is passed on, not copied', () => expect(upcast('clickstream.page.viewed', 1, data).data).toBe(data));
  it('and so is a type outside the vocabulary, which its owner reads', () => expect(upcast('security.session.refused', 7, data)).toEqual({ version: 7, data }));
});

describe('a version of later', () => {
  it.each([3, 0, -1, 1.5])('%p is refused by name', (version) => {
    expect(() => upcast('sales.order.placed', version, {})).toThrow(expect.objectContaining({ kind: 'invalid', code: 'version-unknown', details: { type: 'sales.order.placed', version } }));
  });
});

const OLD = CONTRACTS.filter((contract) => contract !== newestContract(contract.type));

describe('every upcaster', () => {
  it('is there: each version but the newest can be read as the newest', () => expect(OLD.map(({ type, version }) => `${type}@${version}`)).toEqual(['sales.order.placed@1', 'sales.order.cancelled@1', 'sales.order.returned@1', 'sales.order.adjusted@1', 'customer.profile.registered@1']));

  it.each(OLD.map((contract) => [`${contract.type}@${contract.version}`, contract] as const))('%s: is total over all that the version let in, fits the newest contract, repeats itself, and changes nothing given', (_name, contract) => {
    const newest = newestContract(contract.type)!;
    fc.assert(fc.property(storedDataOf(contract), (data) => {
      fc.pre(checkStored(contract, data) === undefined);
      const before = JSON.stringify(data);
      const read = upcast(contract.type, contract.version, data);
      expect(read.version).toBe(newest.version);
      expect([checkStored(newest, read.data), JSON.stringify(data)]).toEqual([undefined, before]);
      expect(upcast(contract.type, contract.version, JSON.parse(before) as EventData)).toEqual(read);
    }), { numRuns: 60 });
  });

  it.each(OLD.map((contract) => [`${contract.type}@${contract.version}`, contract] as const))('%s: leaves the event in its stream', (_name, contract) => {
    fc.assert(fc.property(storedDataOf(contract).filter((data) => checkStored(contract, data) === undefined), (data) => {
      expect(newestContract(contract.type)!.streamId(upcast(contract.type, contract.version, data).data)).toBe(contract.streamId(data));
    }), { numRuns: 30 });
  });

  it.each(FIXTURES.map((fixture) => [`${fixture.type}@${fixture.version}`, fixture] as const))('and the frozen %s, as stored, fits its own contract and the newest', (_name, { type, version, data }) => {
    const stored = standInFor(findContract(type, version)!, data);
    expect(checkStored(findContract(type, version)!, stored)).toBeUndefined();
    expect(checkStored(newestContract(type)!, upcast(type, version, stored).data)).toBeUndefined();
  });
});

describe('a chain of upcasters', () => {
  const version = (number: number, rule?: (old: EventData) => EventData): EventContract =>
    defineContract({ type: 'sales.thing.seen', version: number, summary: 'x', schema: z.object({ id: id(), note: text(9) }), stream: byField('thing', 'id'), ...(rule && { upcast: upcaster(rule) }) });
  const trail = (name: string) => (old: EventData) => ({ ...old, note: `${String(old['note'])}${name}` });

  it('runs from the version stored to the newest, in order, whatever order they are listed in', () => {
    const read = upcasting([version(3, trail('3')), version(1), version(2, trail('2'))]);
    expect([1, 2, 3].map((from) => read('sales.thing.seen', from, { note: '' }).data)).toEqual([{ note: '23' }, { note: '3' }, { note: '' }]);
  });
  it('with a gap, or without an upcaster, is refused where it is made', () => {
    expect(() => upcasting([version(1), version(3, trail('3'))])).toThrow(expect.objectContaining({ code: 'contract-version-missing', details: { type: 'sales.thing.seen', version: 2 } }));
    expect(() => upcasting([version(1), version(2)])).toThrow(expect.objectContaining({ code: 'upcaster-missing', details: { type: 'sales.thing.seen', version: 2 } }));
    expect(() => upcasting([version(1, trail('1'))])).toThrow(expect.objectContaining({ code: 'upcaster-missing' }));
  });
  it('that meets data it cannot take says so without repeating it', () => {
    const read = upcasting([version(1), version(2, (old) => ({ note: String(old['note']).at(0)!.toUpperCase(), id: (old['inner'] as { canary: string }).canary }))]);
    const attempt = () => read('sales.thing.seen', 1, { note: 'canary' });
    expect(attempt).toThrow(expect.objectContaining({ kind: 'invalid', code: 'upcast-failed', details: { type: 'sales.thing.seen', version: 2 } }));
    expect(attempt).not.toThrow(/canary/);
  });
});
