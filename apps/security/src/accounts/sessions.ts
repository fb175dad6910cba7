import type { Clock } from '@millrace/kernel';
import { HttpProblem } from '@millrace/service-kit';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { sessionClosed, sessionRefused, UNKNOWN_ACTOR, type RefusalReason } from '../audit/account-audit.contract.ts';
import { PLATFORM_TENANT, sharedContract, type AuditLog } from '../audit/audit-log.ts';
import { orUnavailable } from '../database-outage.ts';
import { nameKeyOf } from './account-name.ts';
import { Account } from './account.entity.ts';
import type { LoginAttempts } from './login-attempts.ts';
import { verifyPassword } from './password.ts';
import { newToken, tokenHash } from './secret-token.ts';
import { Session } from './session.entity.ts';

/** A desk left alone over lunch is logged out; a day's work needs one login. */
export const SESSION_IDLE_MS = 60 * 60_000;
export const SESSION_LIFE_MS = 12 * 60 * 60_000;
/** Use is noted at most this often: a page of a dozen requests should cost one write. */
const TOUCH_MS = 60_000;

export interface Credentials {
  readonly name: string;
  readonly password: string;
}
export interface CurrentSession {
  readonly name: string;
  readonly accountId: string;
  readonly sessionId: string;
  readonly openedAt: string;
  readonly expiresAt: string;
}

const opened = sharedContract('security.session.opened', 1);
const sessionUnknown = (): HttpProblem => new HttpProblem(401, 'session-unknown', 'This session is unknown or has ended. Log in again.');

const FIND = `
  select s.id as "sessionId", s.account_id as "accountId", s.opened_at as "openedAt", s.used_at as "usedAt", s.expires_at as "expiresAt", a.name
  from session s join account a on a.id = s.account_id
  where s.token_hash = $1 and s.expires_at > $2 and s.used_at > $3`;

interface FoundSession {
  readonly sessionId: string;
  readonly accountId: string;
  readonly name: string;
  readonly openedAt: Date;
  readonly usedAt: Date;
  readonly expiresAt: Date;
}

/**
 * Server-side sessions: opened with name and password, ended by log-out, by an hour without use, or after twelve hours. Opening and
 * refusing are audited before they are answered. Errors: HttpProblem 401 (`login-failed`, `session-unknown`), 429; DomainError `unavailable`.
 */
export class Sessions {
  constructor(private readonly database: DataSource, private readonly attempts: LoginAttempts, private readonly audit: AuditLog, private readonly clock: Clock) {}

  /** The token is in this answer and nowhere else. */
  open({ name, password }: Credentials, traceparent?: string): Promise<{ session: string; expiresAt: string }> {
    return orUnavailable('account-database', async () => {
      const account = await this.#authenticate({ name, password }, traceparent);
      const [token, id, now] = [newToken(), v7(), this.clock.now()];
      const expiresAt = new Date(now.getTime() + SESSION_LIFE_MS);
      await this.database.transaction(async (manager) => {
        await manager.query('delete from session where expires_at <= $1', [now]);
        await manager.getRepository(Session).insert({ tokenHash: tokenHash(token), id, accountId: account.id, openedAt: now, usedAt: now, expiresAt });
        await this.audit.record({ tenant: PLATFORM_TENANT, contract: opened, data: { actor: account.id, sessionId: id, method: 'password' }, traceparent });
      });
      await this.attempts.clear(name);
      return { session: token, expiresAt: expiresAt.toISOString() };
    });
  }

  /** `background`: asked by a page left to itself, which is no use of the session. */
  current(token: string | undefined, { background = false }: { readonly background?: boolean } = {}): Promise<CurrentSession> {
    return orUnavailable('account-database', async () => {
      const { usedAt, openedAt, expiresAt, ...found } = await this.#find(token);
      const now = this.clock.now();
      if (!background && now.getTime() - usedAt.getTime() >= TOUCH_MS) await this.database.getRepository(Session).update({ id: found.sessionId }, { usedAt: now });
      return { ...found, openedAt: openedAt.toISOString(), expiresAt: expiresAt.toISOString() };
    });
  }

  close(token: string | undefined, traceparent?: string): Promise<void> {
    return orUnavailable('account-database', async () => {
      const { sessionId, accountId } = await this.#find(token);
      // The other way round than opening: a log-out must hold even while the log is down.
      await this.database.getRepository(Session).delete({ id: sessionId });
      await this.audit.record({ tenant: PLATFORM_TENANT, contract: sessionClosed, data: { actor: accountId, sessionId }, traceparent });
    });
  }

  async #find(token: string | undefined): Promise<FoundSession> {
    if (token === undefined) throw sessionUnknown();
    const now = this.clock.now();
    const [found] = await this.database.query<FoundSession[]>(FIND, [tokenHash(token), now, new Date(now.getTime() - SESSION_IDLE_MS)]);
    if (!found) throw sessionUnknown();
    return found;
  }

  async #authenticate({ name, password }: Credentials, traceparent?: string): Promise<Account> {
    const account = await this.database.getRepository(Account).findOneBy({ nameKey: nameKeyOf(name) });
    const refuse = (reason: RefusalReason): Promise<void> =>
      this.audit.record({ tenant: PLATFORM_TENANT, contract: sessionRefused, data: { actor: account?.id ?? UNKNOWN_ACTOR, reason }, traceparent });
    const limit = await this.attempts.count(name);
    if (limit) {
      await refuse('too-many-attempts');
      throw limit;
    }
    if (await verifyPassword(password, account?.passwordHash) && account) return account;
    await refuse(account ? 'wrong-password' : 'unknown-account');
    throw new HttpProblem(401, 'login-failed', 'Name or password is wrong.');
  }
}
