import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { normaliseIdentifier } from './identifier.ts';

describe('normaliseIdentifier', () => {
  it('trims, and lowers e-mail only', () => {
    expect(normaliseIdentifier({ kind: 'email', value: ' Ada@Example.ORG\n' })).toEqual({ kind: 'email', value: 'ada@example.org' });
    expect(normaliseIdentifier({ kind: 'customer-number', value: ' C-17a ' })).toEqual({ kind: 'customer-number', value: 'C-17a' });
  });

  it('gives one form to the two Unicode spellings of a letter', () => {
    expect(normaliseIdentifier({ kind: 'email', value: 'zoe\u0308@x.de' })).toEqual(normaliseIdentifier({ kind: 'email', value: 'zo\u00eb@x.de' }));
  });

  it('is idempotent', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.constantFrom('email', 'visitor-id'), (value, kind) => {
      fc.pre(value.trim().length > 0 && !value.includes('\0'));
      const once = normaliseIdentifier({ kind, value });
      expect(normaliseIdentifier(once)).toEqual(once);
    }));
  });

  it.each([['email', ''], ['email', '  '], ['email', 'x'.repeat(321)], ['email', 'a\0b'], ['email', '\ud800'], ['E-Mail', 'a'], ['', 'a']])('refuses kind %j, value %j, without repeating the value', (kind, value) => {
    expect(() => normaliseIdentifier({ kind, value })).toThrow(expect.objectContaining({ code: 'identifier-malformed' }));
  });
});
