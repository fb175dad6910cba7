import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sealedIn, shapeOf, subjectsIn } from './event-view.ts';

const sealed = { $sealed: { subject: 'sub_1', purpose: 'contact', epoch: 2, path: '/email', typeVersion: 1, box: 'AAAA' } };

describe('a value of an event\'s data', () => {
  it('is shown as sealed when it is, without its box', () => {
    expect(shapeOf(sealed)).toEqual({ kind: 'sealed', sealed: { subject: 'sub_1', purpose: 'contact', epoch: 2 } });
    expect(JSON.stringify(shapeOf(sealed))).not.toContain('AAAA');
  });

  it('is a branch when it has parts', () => {
    expect(shapeOf([1, 'a'])).toEqual({ kind: 'branch', isList: true, entries: [['0', 1], ['1', 'a']] });
    expect(shapeOf({ a: 1 })).toEqual({ kind: 'branch', isList: false, entries: [['a', 1]] });
  });

  it.each([['text', 'text'], [1.5, '1.5'], [true, 'true'], [null, 'null']])('%j is printed as %s', (value, text) => {
    expect(shapeOf(value)).toEqual({ kind: 'leaf', text });
  });

  it('is never taken for sealed by its looks alone', () => {
    for (const value of [undefined, null, 'x', [sealed], { sealed: true }, { $sealed: 'x' }]) expect(sealedIn(value)).toBeUndefined();
  });

  it('has a shape whatever it is', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => { expect(['sealed', 'branch', 'leaf']).toContain(shapeOf(value).kind); }));
  });
});

it('names whom an event is about once, however many fields are sealed', () => {
  expect(subjectsIn({ customer: { email: sealed, names: [sealed, { $sealed: { ...sealed.$sealed, subject: 'sub_2' } }] }, plain: 1 })).toEqual(['sub_1', 'sub_2']);
  expect(subjectsIn({ plain: [1, null] })).toEqual([]);
});
