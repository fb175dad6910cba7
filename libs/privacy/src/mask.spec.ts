import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { maskText } from './mask.ts';

describe('maskText', () => {
  it.each([
    ['ada@example.org', 'partial', 'a••••@••••.org'], ['Ada Lovelace', 'partial', 'A••••'], ['Al', 'partial', '••••'], ['🦊 fox', 'partial', '🦊••••'], ['x@host', 'partial', '••••@••••'],
    ['4111111111111111', 'last-4', '••••1111'], ['1234567', 'last-4', '••••'], ['', 'last-4', '••••'], ['anything', 'full', '••••'],
  ] as const)('%s as %s is %s', (text, mask, shown) => expect(maskText(text, mask)).toBe(shown));

  it('tells nothing of the length of what it hides', () => {
    fc.assert(fc.property(fc.string({ minLength: 12, maxLength: 60 }).filter((text) => !text.includes('@')), (text) => {
      expect(maskText(text, 'last-4')).toHaveLength(8);
      expect(maskText(text, 'full')).toHaveLength(4);
      expect(maskText(text, 'partial').length).toBeLessThanOrEqual(6);
    }));
  });
});
