import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LogTail, type Claim } from './log-tail.ts';

/** A tail that has learnt that the log ends at `end`. */
const knowing = (end: number): LogTail => {
  const tail = new LogTail();
  tail.landed(tail.claim(end), 0);
  return tail;
};

describe('the tail of a log', () => {
  it('knows nothing before the first batch has landed', () => {
    const tail = new LogTail();
    const claims = [tail.claim(3), tail.claim(2)];
    expect(claims.map((claim) => claim.after)).toEqual([undefined, undefined]);
    tail.landed(claims[0]!, 10);
    // The second is on its way and lands right behind.
    expect(tail.claim(1).after).toBe(15);
  });

  it('lets each batch follow the one before, landed or not, and one without rows follow too', () => {
    const tail = knowing(7);
    expect([2, 0, 5, 1].map((rows) => tail.claim(rows).after)).toEqual([7, 9, 9, 14]);
  });

  it('guesses no more once a batch failed, until one has landed again', () => {
    const tail = knowing(7);
    const [failing, following] = [tail.claim(2), tail.claim(3)];
    tail.failed(failing, false);
    const again = tail.claim(2);
    expect(again.after).toBeUndefined();
    tail.failed(following, true);
    tail.landed(again, 7);
    const blind = tail.claim(1);
    expect(blind.after).toBeUndefined();
    tail.landed(blind, 9);
    expect(tail.claim(1).after).toBe(10);
  });

  it('waits for the head for a while after another process was first', () => {
    const tail = knowing(7);
    tail.failed(tail.claim(1), true);
    const claims: Claim[] = [];
    for (let end = 8; claims.length < 40; end += 1) {
      claims.push(tail.claim(1));
      tail.landed(claims.at(-1)!, end);
    }
    expect(claims.findIndex((claim) => claim.after !== undefined)).toBe(32);
  });

  it('is right whenever it guesses, as long as nobody else appends and nothing fails', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat({ max: 9 }), fc.boolean()), { minLength: 1, maxLength: 60 }), (steps) => {
      const tail = new LogTail();
      const sent: Claim[] = [];
      let end = 0;
      const land = (): void => {
        const claim = sent.shift();
        if (claim === undefined) return;
        expect(claim.after ?? end).toBe(end);
        tail.landed(claim, end);
        end += claim.rows;
      };
      for (const [rows, lands] of steps) {
        sent.push(tail.claim(rows));
        if (lands || sent.length > 2) land();
      }
      while (sent.length > 0) land();
      expect(tail.claim(1).after).toBe(end);
    }));
  });
});
