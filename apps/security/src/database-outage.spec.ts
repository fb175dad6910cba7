import { describe, expect, it } from '@jest/globals';
import { DomainError } from '@millrace/kernel';
import { orUnavailable } from './database-outage.ts';

const coded = (code: string): Error => Object.assign(new Error('x'), { code });

describe('work on a database', () => {
  it('gives its result', async () => expect(await orUnavailable('account-database', async () => 1)).toBe(1));

  it.each([
    coded('08006'), coded('53300'), coded('57P01'), coded('57014'), coded('ECONNREFUSED'), coded('ECONNRESET'),
    new Error('Connection terminated unexpectedly'), new Error('timeout exceeded when trying to connect'),
  ])('is unavailable when the database is away: %s', async (cause) => {
    const outcome = orUnavailable('account-database', () => Promise.reject(cause));
    await expect(outcome).rejects.toMatchObject({ kind: 'unavailable', code: 'account-database-unavailable', cause });
    await expect(outcome).rejects.toBeInstanceOf(DomainError);
  });

  it.each([coded('23505'), coded('42P01'), coded('22P02'), new Error('other'), new DomainError('conflict', 'account-name-taken')])('fails as it failed otherwise: %s', async (error) => {
    await expect(orUnavailable('account-database', () => Promise.reject(error))).rejects.toBe(error);
  });
});
