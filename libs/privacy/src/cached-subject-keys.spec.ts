import { describe, expect, it } from '@jest/globals';
import { CachedSubjectKeys } from './cached-subject-keys.ts';
import type { IdentifierValue, SubjectKeyProvider } from './subject-keys.ts';
import { InMemorySubjectKeys } from './testing.ts';

const number = (value: string): IdentifierValue => ({ kind: 'customer-number', value });
const email = (value: string): IdentifierValue => ({ kind: 'email', value });

/** Counts the questions that come through to where keys are kept. */
const counted = (keys: InMemorySubjectKeys): SubjectKeyProvider & { questions: number } => {
  const counter = {
    questions: 0,
    resolve: (...[tenant, questions]: Parameters<SubjectKeyProvider['resolve']>) => { counter.questions += questions.length; return keys.resolve(tenant, questions); },
    find: (...[tenant, lists, purposes]: Parameters<SubjectKeyProvider['find']>) => { counter.questions += lists.length; return keys.find(tenant, lists, purposes); },
    keysOf: (...[tenant, refs, purposes]: Parameters<SubjectKeyProvider['keysOf']>) => { counter.questions += refs.length; return keys.keysOf(tenant, refs, purposes); },
  };
  return counter;
};
const setUp = (bounds = { maxSubjects: 100, ttlMs: 1000 }) => {
  let at = 0;
  const store = new InMemorySubjectKeys();
  const behind = counted(store);
  return { store, behind, cache: new CachedSubjectKeys(behind, { ...bounds, now: () => at }), pass: (ms: number) => { at += ms; } };
};
const ask = (identifiers: readonly IdentifierValue[], purposes = ['contact']) => ({ identifiers, purposes });

describe('cached subject keys', () => {
  it('answer a known question from memory, in the order asked, and ask for the rest in one go', async () => {
    const { cache, behind } = setUp();
    const [one] = await cache.resolve('shop', [ask([number('1')])]);
    const answers = await cache.resolve('shop', [ask([number('2')]), ask([number(' 1 ')]), ask([number('3')])]);
    expect(answers[1]).toEqual(one);
    expect(new Set(answers.map(({ ref }) => ref)).size).toBe(3);
    expect(behind.questions).toBe(3);
    expect(await cache.find('shop', [[number('1')]], ['contact'])).toEqual([one]);
    expect(await cache.keysOf('shop', [one!.ref], ['contact'])).toEqual([one]);
    expect(behind.questions).toBe(3);
    cache.clear();
  });

  it('ask again for a purpose not held, for another tenant, and for a subject that was unknown', async () => {
    const { cache, behind } = setUp();
    expect(await cache.find('shop', [[number('1')]], ['contact'])).toEqual([undefined]);
    const [one] = await cache.resolve('shop', [ask([number('1')])]);
    const [more] = await cache.resolve('shop', [ask([number('1')], ['contact', 'identity'])]);
    expect(more!.ref).toBe(one!.ref);
    expect(more!.keys.get('contact')).toEqual(one!.keys.get('contact'));
    expect((await cache.find('other', [[number('1')]], ['contact']))[0]).toBeUndefined();
    expect(behind.questions).toBe(4);
    cache.clear();
  });

  it('pass a list on that may link, and take no member of a list for the subject of the whole', async () => {
    const { cache, behind } = setUp();
    const [owner] = await cache.resolve('shop', [ask([email('shared@x.org')])]);
    const [buyer] = await cache.resolve('shop', [ask([number('7')])]);
    const [both] = await cache.resolve('shop', [ask([number('7'), email('shared@x.org')])]);
    expect(both!.ref).toBe(buyer!.ref);
    expect((await cache.resolve('shop', [ask([email('shared@x.org')])]))[0]!.ref).toBe(owner!.ref);
    expect(behind.questions).toBe(3);
    await cache.find('shop', [[number('8'), number('7')]], ['contact']);
    expect((await cache.resolve('shop', [ask([number('8'), number('7')])]))[0]!.ref).toBe(buyer!.ref);
    expect(behind.questions).toBe(5);
    expect((await cache.find('shop', [[number('8')]], ['contact']))[0]!.ref).toBe(buyer!.ref);
    cache.clear();
  });

  it('forget an erased subject after their time at the latest', async () => {
    const { cache, store, pass } = setUp();
    const [one] = await cache.resolve('shop', [ask([number('1')])]);
    store.erase('shop', one!.ref);
    pass(999);
    expect(await cache.keysOf('shop', [one!.ref], ['contact'])).toEqual([one]);
    pass(1);
    expect(await cache.keysOf('shop', [one!.ref], ['contact'])).toEqual([undefined]);
    expect(await cache.find('shop', [[number('1')]], ['contact'])).toEqual([undefined]);
    cache.clear();
  });

  it('never vouch for a reference without a key in hand', async () => {
    const { cache, store } = setUp();
    const [one] = await cache.resolve('shop', [ask([number('1')])]);
    store.erase('shop', one!.ref);
    expect(await cache.keysOf('shop', [one!.ref], [])).toEqual([undefined]);
    cache.clear();
  });

  it('hold no more keys than they may', async () => {
    const { cache } = setUp({ maxSubjects: 5, ttlMs: 1000 });
    await cache.resolve('shop', Array.from({ length: 50 }, (_, index) => ask([number(String(index))])));
    expect(cache.size).toBe(20);
    cache.clear();
    expect(cache.size).toBe(0);
  });
});
