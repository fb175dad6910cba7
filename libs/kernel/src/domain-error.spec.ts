import { DomainError, isDomainError } from './domain-error.ts';

describe('a domain error', () => {
  const error = new DomainError('conflict', 'product-not-listed', { productId: 'p1' }, 'Product p1 is not listed: list it first.');
  it('says what a caller does, which rule, and in words what to do next', () => {
    expect(error).toMatchObject({ name: 'DomainError', kind: 'conflict', code: 'product-not-listed', details: { productId: 'p1' }, message: 'Product p1 is not listed: list it first.' });
  });
  it('has its code as message and no details when none are given', () => expect(new DomainError('not-found', 'event-unknown')).toMatchObject({ message: 'event-unknown', details: {} }));
  it('is an error with a stack', () => {
    expect(error).toBeInstanceOf(Error);
    expect(error.stack).toContain('domain-error.spec');
  });
  it('is told from other errors and values', () => {
    expect([error, new Error('x'), undefined, null, 'product-not-listed', { kind: 'conflict', code: 'x' }].map(isDomainError)).toEqual([true, false, false, false, false, false]);
  });
});
