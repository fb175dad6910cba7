import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PgEventStore } from '@millrace/event-store';
import { fixedClock } from '@millrace/kernel';
import { freshDatabase, uniqueName, type TestDatabase } from '@millrace/testing';
import type { DataSource } from 'typeorm';
import { AuditLog } from '../audit/audit-log.ts';
import { eventLog, type EventLog } from '../fixtures/event-log.ts';
import { openAccountsDatabase } from './accounts-database.ts';
import { Accounts, LOGIN_LINK_MS } from './accounts.ts';
import { ATTEMPT_WINDOW_MS, LoginAttempts, MAX_ATTEMPTS } from './login-attempts.ts';
import { SESSION_IDLE_MS, SESSION_LIFE_MS, Sessions } from './sessions.ts';

const START = '2026-03-01T08:00:00.000Z';
const PASSWORD = 'correct horse battery staple';
const clock = fixedClock(START);
const pass = (ms: number): void => clock.set(new Date(clock.now().getTime() + ms).toISOString());

let own: TestDatabase;
let database: DataSource;
let log: EventLog;
let store: PgEventStore;
let accounts: Accounts;
let sessions: Sessions;

beforeAll(async () => {
  [own, log] = await Promise.all([freshDatabase(), eventLog()]);
  database = await openAccountsDatabase(own.url);
  store = PgEventStore.connect({ url: log.url, applicationName: 'security' });
  const audit = new AuditLog(store, clock);
  accounts = new Accounts(database, audit, clock);
  sessions = new Sessions(database, new LoginAttempts(database, clock), audit, clock);
});
afterAll(async () => {
  await Promise.all([database.destroy(), store.close(), log.producer.close()]);
  await Promise.all([own.drop(), log.remove()]);
});

const someone = async (): Promise<string> => {
  const { token } = await accounts.invite();
  return (await accounts.redeem({ token, name: uniqueName('Ada Lovelace'), password: PASSWORD })).name;
};
const facts = async (type: string): Promise<Record<string, unknown>[]> => (await log.audited()).filter((event) => event.type === type && event.tenant === 'millrace').map(({ data }) => data);
const count = async (table: 'account' | 'session'): Promise<number> => Number((await database.query<{ n: string }[]>(`select count(*) as n from ${table}`))[0]!.n);

describe('a one-time link', () => {
  it('makes one account, however many redeem it at once', async () => {
    const { token, expiresAt } = await accounts.invite();
    expect(Date.parse(expiresAt) - clock.now().getTime()).toBe(LOGIN_LINK_MS);
    const before = await count('account');
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => accounts.redeem({ token, name: uniqueName('n'), password: PASSWORD })));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    // Who waited for the one that made it may also be told that the database did not answer in time.
    const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [(outcome.reason as { code?: string }).code] : []));
    expect(['login-link-invalid', 'account-database-unavailable']).toEqual(expect.arrayContaining([...new Set(refusals)]));
    expect(await count('account') - before).toBe(1);
    await expect(accounts.redeem({ token, name: uniqueName('n'), password: PASSWORD })).rejects.toMatchObject({ code: 'login-link-invalid' });
  });

  it('ends after fifteen minutes, and one made up is refused', async () => {
    const { token } = await accounts.invite();
    pass(LOGIN_LINK_MS);
    await expect(accounts.redeem({ token, name: uniqueName('n'), password: PASSWORD })).rejects.toMatchObject({ code: 'login-link-invalid' });
    await expect(accounts.redeem({ token: 'x'.repeat(43), name: uniqueName('n'), password: PASSWORD })).rejects.toMatchObject({ code: 'login-link-invalid' });
  });

  it('stays good when the name is taken, in any spelling', async () => {
    const name = await someone();
    const { token } = await accounts.invite();
    await expect(accounts.redeem({ token, name: ` ${name.toUpperCase()} `, password: PASSWORD })).rejects.toMatchObject({ kind: 'conflict', code: 'account-name-taken' });
    await expect(accounts.redeem({ token, name: uniqueName('n'), password: PASSWORD })).resolves.toBeDefined();
  });

  it('is stored as a hash only, like sessions and passwords', async () => {
    const { token } = await accounts.invite();
    const { session } = await sessions.open({ name: await someone(), password: PASSWORD });
    const rows = JSON.stringify(await database.query('select row_to_json(l)::text as row from login_link l union all select row_to_json(s)::text from session s union all select row_to_json(a)::text from account a'));
    for (const secret of [token, session, PASSWORD].flatMap((text) => [text, Buffer.from(text).toString('hex'), Buffer.from(text, 'base64url').toString('hex')])) expect(rows).not.toContain(secret);
  });
});

describe('a one-time link for a new password', () => {
  const OTHER = 'another horse battery staple';

  it('replaces the password, ends every session and the wait after wrong ones, and is audited', async () => {
    const name = await someone();
    const { session } = await sessions.open({ name, password: PASSWORD });
    const { accountId } = await sessions.current(session);
    for (let wrong = 0; wrong <= MAX_ATTEMPTS; wrong += 1) await sessions.open({ name, password: 'wrong' }).catch(() => undefined);
    await expect(sessions.open({ name, password: PASSWORD })).rejects.toMatchObject({ status: 429 });
    const { token, account } = await accounts.invite(` ${name.toUpperCase()} `);
    expect(account).toBe(name);
    const before = await count('account');
    expect(await accounts.redeem({ token, name, password: OTHER })).toEqual({ name });
    expect(await count('account')).toBe(before);
    await expect(sessions.current(session)).rejects.toMatchObject({ code: 'session-unknown' });
    await expect(sessions.open({ name, password: PASSWORD })).rejects.toMatchObject({ code: 'login-failed' });
    expect(await sessions.current((await sessions.open({ name, password: OTHER })).session)).toMatchObject({ accountId });
    expect(await facts('security.account.password-replaced')).toContainEqual({ actor: accountId, method: 'login-link' });
    await expect(accounts.redeem({ token, name, password: PASSWORD })).rejects.toMatchObject({ code: 'login-link-invalid' });
  });

  it('is for that account alone, and stays good when another name is typed', async () => {
    const [name, other] = [await someone(), await someone()];
    const { token } = await accounts.invite(name);
    for (const wrong of [other, uniqueName('nobody')]) await expect(accounts.redeem({ token, name: wrong, password: OTHER })).rejects.toMatchObject({ kind: 'conflict', code: 'login-link-for-another' });
    expect(await sessions.open({ name: other, password: PASSWORD })).toBeDefined();
    expect(await accounts.redeem({ token, name, password: OTHER })).toEqual({ name });
  });

  it('is not made for a name nobody has', async () => {
    await expect(accounts.invite(uniqueName('nobody'))).rejects.toMatchObject({ kind: 'not-found', code: 'account-unknown' });
  });
});

describe('a session', () => {
  it('names its holder until it is closed, and is audited without their name', async () => {
    const name = await someone();
    const { session } = await sessions.open({ name: ` ${name.toLowerCase()}`, password: PASSWORD });
    const current = await sessions.current(session);
    expect(current).toMatchObject({ name, openedAt: clock.now().toISOString() });
    await sessions.close(session);
    await expect(sessions.current(session)).rejects.toMatchObject({ status: 401, code: 'session-unknown' });
    const held = { actor: current.accountId, sessionId: current.sessionId };
    expect(await facts('security.session.opened')).toContainEqual({ ...held, method: 'password' });
    expect(await facts('security.session.closed')).toContainEqual(held);
    expect(await facts('security.account.registered')).toContainEqual({ actor: current.accountId, method: 'login-link' });
    expect((await log.audited()).map(({ text }) => text).join('\n')).not.toMatch(/lovelace/i);
  });

  it('lasts while it is used, an hour at most between, and never longer than twelve hours', async () => {
    const { session } = await sessions.open({ name: await someone(), password: PASSWORD });
    for (let used = SESSION_IDLE_MS - 1; used < SESSION_LIFE_MS; used += SESSION_IDLE_MS - 1) {
      pass(SESSION_IDLE_MS - 1);
      expect(await sessions.current(session)).toBeDefined();
    }
    pass(SESSION_IDLE_MS - 1);
    await expect(sessions.current(session)).rejects.toMatchObject({ code: 'session-unknown' });
  });

  it('ends after an hour without use', async () => {
    const { session } = await sessions.open({ name: await someone(), password: PASSWORD });
    pass(SESSION_IDLE_MS);
    await expect(sessions.current(session)).rejects.toMatchObject({ code: 'session-unknown' });
  });

  it('is not kept by a page that only refreshes itself', async () => {
    const { session } = await sessions.open({ name: await someone(), password: PASSWORD });
    for (let minutes = 0; minutes < 59; minutes += 1) {
      pass(60_000);
      expect(await sessions.current(session, { background: true })).toBeDefined();
    }
    pass(60_000);
    await expect(sessions.current(session, { background: true })).rejects.toMatchObject({ code: 'session-unknown' });
  });

  it.each([undefined, '', 'x'.repeat(43), '\0'])('is unknown for token %j', async (token) => {
    await expect(sessions.current(token)).rejects.toMatchObject({ status: 401, code: 'session-unknown' });
  });

  it('leaves the table some time after it ended', async () => {
    await sessions.open({ name: await someone(), password: PASSWORD });
    pass(SESSION_LIFE_MS);
    await sessions.open({ name: await someone(), password: PASSWORD });
    expect(await count('session')).toBe(1);
  });
});

describe('a login', () => {
  it('with a wrong password or an unknown name is refused alike and audited', async () => {
    const name = await someone();
    const unknown = uniqueName('nobody');
    const refused = expect.objectContaining({ status: 401, code: 'login-failed', message: 'Name or password is wrong.' });
    await expect(sessions.open({ name, password: 'wrong' })).rejects.toEqual(refused);
    await expect(sessions.open({ name: unknown, password: PASSWORD })).rejects.toEqual(refused);
    expect(await facts('security.session.refused')).toEqual(expect.arrayContaining([{ actor: expect.any(String), reason: 'wrong-password' }, { actor: 'unknown', reason: 'unknown-account' }]));
    expect((await log.audited()).map(({ text }) => text).join('\n')).not.toContain(unknown);
  });

  it('is not tried more than ten times in fifteen minutes under one name, also at once, even with the right password', async () => {
    const [name, other] = [await someone(), await someone()];
    const outcomes = await Promise.allSettled(Array.from({ length: MAX_ATTEMPTS + 5 }, () => sessions.open({ name, password: 'wrong' })));
    const statuses = outcomes.map((outcome) => (outcome.status === 'rejected' ? (outcome.reason as { status: number }).status : 0));
    expect([statuses.filter((status) => status === 401).length, statuses.filter((status) => status === 429).length]).toEqual([MAX_ATTEMPTS, 5]);
    await expect(sessions.open({ name: name.toUpperCase(), password: PASSWORD })).rejects.toMatchObject({ status: 429, code: 'too-many-login-attempts', retryAfterSeconds: ATTEMPT_WINDOW_MS / 1000 });
    expect(await sessions.open({ name: other, password: PASSWORD })).toBeDefined();
    pass(ATTEMPT_WINDOW_MS);
    expect(await sessions.open({ name, password: PASSWORD })).toBeDefined();
  });

  it('that succeeds starts the count again', async () => {
    const name = await someone();
    for (let round = 0; round < 2; round += 1) {
      for (let wrong = 1; wrong < MAX_ATTEMPTS; wrong += 1) await expect(sessions.open({ name, password: 'wrong' })).rejects.toMatchObject({ status: 401 });
      expect(await sessions.open({ name, password: PASSWORD })).toBeDefined();
    }
  });
});

describe('without the security log', () => {
  it('no session opens and no account is made, the link stays good, but logging out holds', async () => {
    const name = await someone();
    const [{ session }, { token }] = [await sessions.open({ name, password: PASSWORD }), await accounts.invite()];
    const before = [await count('session'), await count('account')];
    await log.kill();
    const down = { kind: 'unavailable' };
    const tried = [sessions.open({ name, password: PASSWORD }), sessions.open({ name, password: 'wrong' }), accounts.redeem({ token, name: uniqueName('n'), password: PASSWORD })];
    expect(await Promise.allSettled(tried)).toEqual(tried.map(() => ({ status: 'rejected', reason: expect.objectContaining(down) })));
    expect([await count('session'), await count('account')]).toEqual(before);
    await expect(sessions.close(session)).rejects.toMatchObject(down);
    await expect(sessions.current(session)).rejects.toMatchObject({ code: 'session-unknown' });
    await log.restart();
    expect(await accounts.redeem({ token, name: uniqueName('n'), password: PASSWORD })).toBeDefined();
  });
});
