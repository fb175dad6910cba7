import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { findSubjects, planSubjects, type NamedMac } from './subject-plan.ts';

const named = (text: string): NamedMac => ({ kind: text.includes('@') ? 'email' : 'customer-number', mac: createHash('sha256').update(text).digest() });
const list = (...texts: string[]): NamedMac[] => texts.map(named);
const counting = (): (() => string) => {
  let made = 0;
  return () => `sub_${(made += 1)}`;
};

describe('the plan of subjects', () => {
  it('takes the subject of the first identifier that is known and links the unknown ones to it', () => {
    const plan = planSubjects([list('1', 'a@x', 'b@x')], [{ ...named('a@x'), ref: 'sub_a' }, { ...named('b@x'), ref: 'sub_b' }], counting());
    expect(plan).toEqual({ refs: ['sub_a'], newRefs: [], newLookups: [{ ...named('1'), ref: 'sub_a' }] });
  });

  it('makes one subject for an identifier that several questions bring', () => {
    const plan = planSubjects([list('1'), list('2', 'a@x'), list('a@x', '1'), list('1', '1')], [], counting());
    expect(plan.refs).toEqual(['sub_1', 'sub_2', 'sub_2', 'sub_1']);
    expect(plan.newRefs).toEqual(['sub_1', 'sub_2']);
    expect(plan.newLookups).toHaveLength(3);
  });

  it('sorts new look-ups the same way whatever the order of the questions', () => {
    const names = ['1', '2', '3', 'a@x', 'b@x'];
    const sorted = (texts: string[]) => planSubjects(texts.map((text) => list(text)), [], counting()).newLookups.map(({ mac }) => mac.toString('hex'));
    expect(sorted(names.toReversed())).toEqual(sorted(names));
  });

  it('answers like asking one after the other, and never gives an identifier two subjects', () => {
    const questions = fc.array(fc.array(fc.constantFrom('1', '2', '3', 'a@x', 'b@x', 'c@x'), { minLength: 1, maxLength: 3 }), { maxLength: 8 });
    fc.assert(fc.property(questions, (asked) => {
      const together = planSubjects(asked.map((texts) => list(...texts)), [], counting());
      const one = counting();
      let known: typeof together.newLookups = [];
      const refs = asked.map((texts) => {
        const plan = planSubjects([list(...texts)], known, one);
        known = [...known, ...plan.newLookups];
        return plan.refs[0];
      });
      expect(together.refs).toEqual(refs);
      expect(new Set(together.newLookups.map(({ kind, mac }) => `${kind}${mac.toString('hex')}`)).size).toBe(together.newLookups.length);
      expect(findSubjects(asked.map((texts) => list(...texts)), together.newLookups)).toEqual(refs);
    }));
  });
});
