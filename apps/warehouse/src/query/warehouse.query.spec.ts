import { describe, expect, it } from '@jest/globals';
import type { DomainError } from '@millrace/kernel';
import { parseWarehouseQuestion } from './warehouse.query.ts';

const faultOf = (body: unknown): Pick<DomainError, 'kind' | 'code' | 'details' | 'message'> => {
  try {
    parseWarehouseQuestion(body);
  } catch (error) {
    const { kind, code, details, message } = error as DomainError;
    return { kind, code, details, message };
  }
  throw new Error('nothing was thrown');
};

describe('a question', () => {
  it('has a bound of rows even when it names none', () => {
    expect(parseWarehouseQuestion({ tenant: 'shop', sql: 'select 1' })).toEqual({ tenant: 'shop', sql: 'select 1', maxRows: 10_000 });
    expect(parseWarehouseQuestion({ tenant: 'shop', sql: 'select 1', maxRows: 5 })).toMatchObject({ maxRows: 5 });
  });

  it.each<[unknown, string]>([
    [undefined, '/'], [null, '/'], ['select 1', '/'], [[], '/'], [{}, '/tenant'], [{ tenant: 'shop' }, '/sql'], [{ tenant: 'shop', sql: '' }, '/sql'], [{ tenant: 'shop', sql: 1 }, '/sql'],
    [{ tenant: 'shop', sql: 'select 1', maxRows: 0 }, '/maxRows'], [{ tenant: 'shop', sql: 'select 1', maxRows: 100_001 }, '/maxRows'], [{ tenant: 'shop', sql: 'select 1', maxRows: '5' }, '/maxRows'],
    [{ tenant: 'shop', sql: 'select 1', maxRows: 1.5 }, '/maxRows'], [{ tenant: 'shop', sql: 'select 1', asOf: {} }, '/'],
  ])('%j is refused, with the place', (body, pointer) => {
    expect(faultOf(body)).toMatchObject({ kind: 'invalid', code: 'query-malformed', details: { pointer }, message: expect.stringContaining('{"tenant","sql"}') });
  });

  it.each(['', 'Shop', '../x', 'a/b', 'a b', 'x'.repeat(33)])('of the tenant %j is refused: a tenant stands in file names', (tenant) => {
    expect(faultOf({ tenant, sql: 'select 1' })).toMatchObject({ kind: 'invalid', code: 'tenant-malformed' });
  });

  it('never finds its SQL repeated in a refusal', () => {
    expect(JSON.stringify(faultOf({ tenant: 'shop', sql: 'select \'maria@example.org\'', maxRows: -1 }))).not.toContain('maria');
  });
});
