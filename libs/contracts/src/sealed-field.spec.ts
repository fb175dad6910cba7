import fc from 'fast-check';
import type { EventData } from './contract.ts';
import { hideSealed, SealedField, showSealed } from './sealed-field.ts';
import { upcaster } from './upcast.ts';

const box = { $sealed: { subject: 'sub_1', purpose: 'contact', epoch: 3, path: '/customer/name', typeVersion: 1, box: 'c2VjcmV0' } };

describe('a sealed value in an upcaster\'s hands', () => {
  const carried = (hideSealed({ name: box })['name']) as SealedField;
  it('has nothing to read', () => {
    expect(carried).toBeInstanceOf(SealedField);
    expect(Reflect.ownKeys(carried)).toEqual([]);
    expect([carried['$sealed' as never], carried['box' as never]]).toEqual([undefined, undefined]);
  });
  it('cannot be written as JSON, changed, or taken apart', () => {
    expect(() => JSON.stringify({ carried })).toThrow(expect.objectContaining({ code: 'sealed-field-read' }));
    expect(() => Object.assign(carried, { box: 'x' })).toThrow(TypeError);
    expect(Object.entries(carried)).toEqual([]);
  });
  it('cannot be read or opened as far as types go', () => {
    interface Old { readonly name: SealedField }
    // @ts-expect-error a SealedField has no content
    upcaster(({ name }: Old) => ({ name: name.$sealed }));
    // @ts-expect-error and is no text
    upcaster(({ name }: Old) => ({ length: name.length }));
    const forged: Old = {
      // @ts-expect-error nor can one be made up
      name: { toJSON: () => { throw new Error('never'); } },
    };
    expect(forged).toBeDefined();
  });
  it('comes out as it went in, wherever it was moved', () => {
    const moved = showSealed({ contact: [{ deep: { name: carried } }] });
    expect(moved).toEqual({ contact: [{ deep: { name: box } }] });
  });
});

describe('hiding', () => {
  it('copies nothing where nothing is sealed', () => {
    const data = { lines: [{ a: 1 }, { b: [null, 'x'] }], n: null };
    expect(hideSealed(data)).toBe(data);
    expect(showSealed(data)).toBe(data);
  });
  it('leaves alone what only looks sealed', () => {
    const data = { a: { $sealed: 1, more: 2 }, b: { $sealedToo: box } };
    expect(showSealed(hideSealed(data))).toEqual(data);
    expect((hideSealed(data)['a'])).toBe(data.a);
  });
  it('and showing give back any data, and change none', () => {
    const tree = fc.letrec<{ node: unknown }>((tie) => ({ node: fc.oneof({ maxDepth: 4 }, fc.constant(box), fc.jsonValue({ maxDepth: 1 }), fc.array(tie('node'), { maxLength: 3 }), fc.dictionary(fc.string().filter((name) => name !== '__proto__'), tie('node'), { maxKeys: 3 })) })).node;
    fc.assert(fc.property(tree, (value) => {
      const data: EventData = { value };
      const before = JSON.stringify(data);
      expect(showSealed(hideSealed(data))).toEqual(data);
      expect(JSON.stringify(data)).toBe(before);
    }));
  });
});
