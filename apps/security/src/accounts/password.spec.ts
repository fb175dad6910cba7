import { describe, expect, it } from '@jest/globals';
import { hashPassword, verifyPassword } from './password.ts';

const PASSWORD = 'correct horse battery staple';

describe('a password', () => {
  it('is kept as an argon2id PHC string of at least OWASP\'s cost, salted', async () => {
    const [one, two] = await Promise.all([hashPassword(PASSWORD), hashPassword(PASSWORD)]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(one).not.toBe(two);
    expect(await verifyPassword(PASSWORD, one)).toBe(true);
    expect(await verifyPassword(PASSWORD, two)).toBe(true);
  });

  it.each(['correct horse battery stapl', `${PASSWORD} `, '', PASSWORD.toUpperCase()])('is not %j', async (other) => {
    expect(await verifyPassword(other, await hashPassword(PASSWORD))).toBe(false);
  });

  it('is the same in both Unicode spellings', async () => {
    expect(await verifyPassword('pässwörd-pässwörd', await hashPassword('pa\u0308sswo\u0308rd-pa\u0308sswo\u0308rd'))).toBe(true);
  });

  it('verifies at the cost it was hashed with (vector of the argon2 reference implementation)', async () => {
    expect(await verifyPassword('password', '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc')).toBe(true);
  });

  it('of no account is never right, not even the one that would fit', async () => {
    expect(await verifyPassword(PASSWORD, undefined)).toBe(false);
    expect(await verifyPassword('', undefined)).toBe(false);
  });

  it('refuses a stored hash of another form', async () => {
    await expect(verifyPassword(PASSWORD, PASSWORD)).rejects.toThrow(/PHC/);
  });

  it('is not hashed for more than sixteen callers at once', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => verifyPassword(PASSWORD, undefined)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(16);
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { kind: 'unavailable', code: 'logins-busy' } });
    expect(await verifyPassword(PASSWORD, undefined)).toBe(false);
  });
});
