import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { parseBody } from './request-body.ts';

const schema = z.strictObject({ name: z.string().max(5), refs: z.array(z.string().regex(/^sub_/, 'expected a reference')) });

describe('a request\'s body', () => {
  it('is given as its schema says', () => expect(parseBody(schema, { name: 'Ada', refs: ['sub_1'] })).toEqual({ name: 'Ada', refs: ['sub_1'] }));

  it('is refused with the places at fault and what is expected there', () => {
    expect(() => parseBody(schema, { name: 'too long', refs: ['x'] })).toThrow(/\/name: .*; \/refs\/0: expected a reference\.$/);
    expect(() => parseBody(schema, undefined)).toThrow(expect.objectContaining({ kind: 'invalid', code: 'request-malformed' }));
  });

  it('is refused without repeating a value, however it is made', () => {
    fc.assert(fc.property(fc.string({ minLength: 12, maxLength: 40 }), (secret) => {
      const told = ((): string => {
        try {
          return JSON.stringify(parseBody(schema, { name: secret, refs: [secret, 7, { secret }] }));
        } catch (error) {
          return (error as Error).message;
        }
      })();
      expect(told).not.toContain(secret);
      expect(told.length).toBeLessThan(700);
    }));
  });
});
