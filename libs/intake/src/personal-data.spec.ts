import { describe, expect, it } from '@jest/globals';
import { byField, defineContract, findContract, type EventContract, type EventData, type PrivacyAnnotation } from '@millrace/contracts';
import fc from 'fast-check';
import { z } from 'zod';
import { EVENT_KIND, personalDataOf, replacePersonal } from './personal-data.ts';

const none = { privacy: { kind: 'none' } satisfies PrivacyAnnotation };
const name = { privacy: { kind: 'sealed', category: 'name', purpose: 'identity', retentionDays: 1, mask: 'full' } satisfies PrivacyAnnotation };
const text = (meta: object) => z.string().max(100).meta({ description: 'a text', ...meta });

/** Personal fields in lists, in lists of lists' objects, and under names a pointer must escape. */
const guests: EventContract = defineContract({
  type: 'customer.party.held', version: 1, summary: 'For this spec.',
  schema: z.object({
    partyId: text(none),
    guests: z.array(z.object({ name: text(name), table: text(none), children: z.array(z.object({ name: text(name) })).max(5).optional() })).max(5),
    'odd/na~me': text(name).optional(),
  }),
  stream: byField('party', 'partyId'),
});
const profile = findContract('customer.profile.registered', 1)!;
const stock = findContract('inventory.stock.received', 1)!;

const party: EventData = { partyId: 'p', guests: [{ name: 'Ann', table: '1', children: [{ name: 'Bo' }, { name: 'Cy' }] }, { name: 'Di', table: '2' }], 'odd/na~me': 'Ed' };

describe('what is personal of an event', () => {
  it('is found in lists and under odd names', () => {
    const seen: string[] = [];
    replacePersonal(guests, party, (value) => { seen.push(String(value)); return value; });
    expect(seen.toSorted((a, b) => a.localeCompare(b))).toEqual(['Ann', 'Bo', 'Cy', 'Di', 'Ed']);
  });

  it('is replaced where it stands, in a copy', () => {
    const before = JSON.stringify(party);
    expect(replacePersonal(guests, party, () => '#')).toEqual({ partyId: 'p', guests: [{ name: '#', table: '1', children: [{ name: '#' }, { name: '#' }] }, { name: '#', table: '2' }], 'odd/na~me': '#' });
    expect(JSON.stringify(party)).toBe(before);
  });

  it('is left alone where it is null or absent', () => {
    expect(replacePersonal(guests, { partyId: 'p', guests: [{ name: null, table: '1' }] }, () => '#')).toEqual({ partyId: 'p', guests: [{ name: null, table: '1' }] });
  });

  it('changes nothing else, whatever the data', () => {
    const guest = fc.record({ name: fc.string(), table: fc.string(), children: fc.array(fc.record({ name: fc.string() }), { maxLength: 3 }) }, { requiredKeys: ['name', 'table'] });
    fc.assert(fc.property(fc.record({ partyId: fc.string(), guests: fc.array(guest, { maxLength: 4 }) }), (data) => {
      expect(replacePersonal(guests, data, (value) => value)).toEqual(data);
      const blank = replacePersonal(guests, data, () => '') as typeof data;
      expect(blank.guests.map(({ table }) => table)).toEqual(data.guests.map(({ table }) => table));
      expect(blank.guests.every((each) => each.name === '' && (each.children ?? []).every((child) => child.name === ''))).toBe(true);
    }));
  });
});

describe('who an event is about', () => {
  it('is named by its identifiers in the contract\'s order, as they came', () => {
    expect(personalDataOf(profile, { customer: { email: 'Ann@Shop.example', number: 'N-1', name: 'Ann' } }, 'e-1')).toEqual({
      identifiers: [{ kind: 'customer-number', value: 'N-1' }, { kind: 'email', value: 'Ann@Shop.example' }],
      purposes: ['identity', 'contact', 'fingerprint'], values: ['N-1', 'Ann@Shop.example'],
    });
  });

  it('is the event itself when it names nobody but holds somebody\'s name', () => {
    expect(personalDataOf(guests, party, 'e-1')).toMatchObject({ identifiers: [{ kind: EVENT_KIND, value: 'e-1' }], values: [] });
  });

  it('is nobody when nothing personal stands in it', () => {
    expect(personalDataOf(stock, { productId: 'mug', quantity: 1 }, 'e-1')).toBeUndefined();
    expect(personalDataOf(guests, { partyId: 'p', guests: [] }, 'e-1')).toBeUndefined();
    expect(personalDataOf(guests, { partyId: 'p', guests: [{ name: null, table: '1' }] }, 'e-1')).toBeUndefined();
  });
});
