import fc from 'fast-check';
import { lineKindOf } from './stock-code.mapping.ts';

describe('what a stock code bills', () => {
  it.each([
    ['85123A', 'product'], ['22423', 'product'], ['15056BL', 'product'], ['79323LP', 'product'], ['DCGSSGIRL', 'product'], ['DCGS0066P', 'product'], ['PADS', 'product'],
    ['POST', 'postage'], ['DOT', 'postage'], ['C2', 'postage'],
    ['BANK CHARGES', 'bank-charge'],
    ['M', 'manual'], ['m', 'manual'],
    ['AMAZONFEE', 'fee'], ['CRUK', 'fee'],
    ['D', 'discount'], ['B', 'adjustment'], ['S', 'sample'],
    ['gift_0001_20', 'other'],
  ])('%s is %s, by a rule', (code, kind) => expect(lineKindOf(code)).toEqual({ kind, listed: true }));

  it.each(['post', 'b', 's', '8512', '851234', '85123 A', 'TEST001', 'constructor', '__proto__', ''])('%s has no rule: other, and reported', (code) => {
    expect(lineKindOf(code)).toEqual({ kind: 'other', listed: false });
  });
  it('never fails', () => {
    fc.assert(fc.property(fc.string(), (code) => { expect(lineKindOf(code)).toHaveProperty('kind'); }));
  });
});
