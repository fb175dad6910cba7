import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { refusePersonalEnvelope, type PlainAttributes } from './envelope-privacy.rule.ts';

const plain: PlainAttributes = { id: 'e-1', source: 'https://shop.example/web' };
const place = (attributes: Partial<PlainAttributes>, values: readonly string[] = []) => {
  const refused = refusePersonalEnvelope({ ...plain, ...attributes }, values);
  return refused && [refused.rejection.code, refused.rejection.pointer];
};

describe('attributes that are stored in clear', () => {
  it.each<[Partial<PlainAttributes>, string]>([
    [{ id: 'signup/ann@shop.example' }, '/id'],
    [{ source: 'mailto:ann.example@mail.shop.example' }, '/source'],
    [{ subject: 'Ann <ann@shop.example>' }, '/subject'],
    [{ causationid: 'x:ann@shop.example' }, '/causationid'],
    [{ correlationid: 'ann+tag@shop.example' }, '/correlationid'],
  ])('may hold no e-mail address: %j', (attributes, pointer) => {
    expect(place(attributes)).toEqual(['personal-in-envelope', pointer]);
  });

  it.each([{ id: 'order@1001' }, { source: 'git@host:path' }, { subject: '@handle' }, { id: 'a @ b.c' }])('may hold an "@" that is no address: %j', (attributes) => {
    expect(place(attributes)).toBeUndefined();
  });

  it.each(['N-17850', 'customer/N-17850/1', 'N-17850.registered', '(N-17850)', 'x N-17850'])('may not hold the person\'s identifier as a word: %s', (id) => {
    expect(place({ id }, ['other-value', 'N-17850'])).toEqual(['personal-in-envelope', '/id']);
  });

  it.each(['XN-17850', 'N-178501', 'N-1785', 'n-17850'])('may hold what only resembles it: %s', (id) => {
    expect(place({ id }, ['N-17850'])).toBeUndefined();
  });

  it('finds a word behind a longer one that contains it', () => {
    expect(place({ id: 'x17850y/17850' }, ['17850'])).toEqual(['personal-in-envelope', '/id']);
  });

  it('leaves identifiers of up to four characters alone: they stand anywhere by chance', () => {
    expect(place({ id: 'order-1785' }, ['1785'])).toBeUndefined();
  });

  it('refuses any identifier of five characters or more that stands between separators, and repeats none', () => {
    const values = fc.stringMatching(/^[A-Za-z0-9]{5,20}$/);
    fc.assert(fc.property(values, fc.constantFrom('/', '-', ':', '.', ' '), (value, separator) => {
      const refused = refusePersonalEnvelope({ ...plain, id: `event${separator}${value}${separator}1` }, [value]);
      expect(refused?.rejection.pointer).toBe('/id');
    }));
    expect(JSON.stringify(refusePersonalEnvelope({ ...plain, id: 'x/N-17850' }, ['N-17850']))).not.toContain('17850');
  });
});
