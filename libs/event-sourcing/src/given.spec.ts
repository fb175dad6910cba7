import fc from 'fast-check';
import { DomainError, type Decider, type DomainEvent } from '@millrace/kernel';
import { deciderSpec } from './given.ts';
import type { ProjectedEvent } from './projection.ts';
import { isTransient } from './projection-runner.ts';
import { rowsOf, type Sql } from './sql.ts';
import { statementProjection } from './statement-projection.ts';

type Moved = DomainEvent<'stock.moved', { by: number }>;
const moved = (by: number): Moved => ({ type: 'stock.moved', version: 1, data: { by } });
const stock: Decider<number, { take: number }, Moved> = {
  initial: 0,
  decide: ({ take }, level) => {
    if (take > level) throw new DomainError('conflict', 'stock-short');
    return take === 0 ? [] : [moved(-take)];
  },
  evolve: (level, { data }) => level + data.by,
};
const given = deciderSpec(stock);

describe('given, when, then', () => {
  it('passes when the decider does what is expected', () => {
    expect(() => given(moved(5)).when({ take: 2 }).thenEmits(moved(-2))).not.toThrow();
    expect(() => given(moved(5)).when({ take: 0 }).thenEmits()).not.toThrow();
    expect(() => given(moved(5), moved(-4)).when({ take: 2 }).thenRejects('stock-short')).not.toThrow();
  });

  it('fails with both sides named when it does not', () => {
    expect(() => given(moved(5)).when({ take: 2 }).thenEmits(moved(-3))).toThrow(/expected .*-3.*\nbut got .*-2/s);
    expect(() => given(moved(5)).when({ take: 2 }).thenEmits()).toThrow('but got');
    expect(() => given(moved(5)).when({ take: 2 }).thenRejects('stock-short')).toThrow('expected rejection stock-short');
    expect(() => given().when({ take: 2 }).thenRejects('stock-frozen')).toThrow('but got  stock-short');
  });

  it('never lets a decider take stock below zero, whatever the history', () => {
    fc.assert(fc.property(fc.array(fc.nat(9)), fc.nat(99), (gains, take) => {
      const level = gains.reduce((sum, gain) => sum + gain, 0);
      const when = given(...gains.map(moved)).when({ take });
      expect(() => (take > level ? when.thenRejects('stock-short') : when.thenEmits(...(take === 0 ? [] : [moved(-take)])))).not.toThrow();
    }));
  });
});

describe('a statement projection', () => {
  const event = (type: string, data: Record<string, unknown>): ProjectedEvent => ({ data, stored: { envelope: { type } } as ProjectedEvent['stored'] });
  const recorder = () => {
    const ran: unknown[] = [];
    const sql: Sql = { query: async (text, values) => { ran.push([text, values]); } };
    return { ran, sql };
  };

  it('runs each event\'s statements in order and leaves other types alone', async () => {
    const projection = statementProjection({ name: 'sums', version: 2, on: {
      'a.b.c': ({ data }) => ({ text: 'one', values: [data['n']] }),
      'a.b.d': () => [{ text: 'two' }, { text: 'three', values: [] }],
    } });
    const { ran, sql } = recorder();
    await projection.apply(sql, [event('a.b.d', {}), event('a.b.x', {}), event('a.b.c', { n: 4 })]);
    expect(ran).toEqual([['two', []], ['three', []], ['one', [4]]]);
    expect(projection).toMatchObject({ name: 'sums', version: 2, types: ['a.b.c', 'a.b.d'] });
  });
});

describe('rows of an answer', () => {
  it.each([[[{ a: 1 }], 1], [{ rows: [{ a: 1 }, { a: 2 }] }, 2], [undefined, 0], [{ rows: 'no' }, 0], ['text', 0]])('of %j are %d', (answer, count) => {
    expect(rowsOf(answer)).toHaveLength(count);
  });
});

describe('an error', () => {
  const coded = (code: string) => Object.assign(new Error('x'), { code });
  it.each([coded('08006'), coded('40001'), coded('40P01'), coded('53300'), coded('57P01'), coded('ECONNREFUSED'), new Error('Connection terminated unexpectedly'), new DomainError('unavailable', 'away')])('%s is tried again', (error) => {
    expect(isTransient(error)).toBe(true);
  });
  it.each([coded('23505'), coded('22P02'), coded('42P01'), new TypeError('x'), new DomainError('invalid', 'odd'), new DomainError('conflict', 'odd'), 'text', undefined])('%s is the event\'s own', (error) => {
    expect(isTransient(error)).toBe(false);
  });
});
