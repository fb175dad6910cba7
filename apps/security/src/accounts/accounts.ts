import { DomainError, type Clock } from '@millrace/kernel';
import type { DataSource, EntityManager } from 'typeorm';
import { v7 } from 'uuid';
import { accountRegistered, passwordReplaced } from '../audit/account-audit.contract.ts';
import { PLATFORM_TENANT, type AuditLog } from '../audit/audit-log.ts';
import { orUnavailable } from '../database-outage.ts';
import { nameHashOf, nameKeyOf } from './account-name.ts';
import { Account } from './account.entity.ts';
import { LoginLink } from './login-link.entity.ts';
import { hashPassword } from './password.ts';
import { newToken, tokenHash } from './secret-token.ts';

/** Long enough to open a mail, short enough that a forgotten terminal scroll-back is worthless. */
export const LOGIN_LINK_MS = 15 * 60_000;

export interface NewAccount {
  readonly token: string;
  readonly name: string;
  readonly password: string;
}

const linkInvalid = (): DomainError =>
  new DomainError('forbidden', 'login-link-invalid', {}, 'This one-time link is unknown, used or older than 15 minutes. Make a new one with "millrace login-link".');

const accountUnknown = (): DomainError => new DomainError('not-found', 'account-unknown', {}, 'There is no account of this name. "millrace login-link" without --reset makes a link for a new one.');
const linkForAnother = (): DomainError => new DomainError('conflict', 'login-link-for-another', {}, 'This link is for the password of another account. Open it as it was printed.');

export interface Invitation {
  readonly token: string;
  readonly expiresAt: string;
  /** The account whose password it replaces, as its owner writes its name. */
  readonly account?: string;
}

/** Makes one-time links and the accounts they are good for. */
export class Accounts {
  constructor(private readonly database: DataSource, private readonly audit: AuditLog, private readonly clock: Clock) {}

  /** A new link, for a new account or for a new password of the one named; the token is in this answer and nowhere else. DomainError `not-found` (`account-unknown`). */
  async invite(name?: string): Promise<Invitation> {
    const now = this.clock.now();
    const [token, expiresAt] = [newToken(), new Date(now.getTime() + LOGIN_LINK_MS)];
    const account = await orUnavailable('account-database', async () => {
      const found = name === undefined ? undefined : await this.database.getRepository(Account).findOneBy({ nameKey: nameKeyOf(name) });
      if (found === null) throw accountUnknown();
      await this.database.query('delete from login_link where expires_at <= $1', [now]);
      await this.database.getRepository(LoginLink).insert({ tokenHash: tokenHash(token), madeAt: now, expiresAt, redeemedAt: null, accountId: found?.id ?? null });
      return found;
    });
    return { token, expiresAt: expiresAt.toISOString(), ...(account ? { account: account.name } : {}) };
  }

  /**
   * Makes an account with a link, or replaces the password of the link's, exactly once per link. DomainError `forbidden`
   * (`login-link-invalid`), `conflict` (`account-name-taken`, `login-link-for-another`), `unavailable`: then nothing was done, and but for the first the link stays good.
   */
  redeem({ token, name, password }: NewAccount, traceparent?: string): Promise<{ name: string }> {
    return orUnavailable('account-database', async () => {
      const { accountId } = await this.#goodLink(token);
      const [passwordHash, now] = [await hashPassword(password), this.clock.now()];
      return this.database.transaction(async (manager) => {
        // The update decides between callers: of two at once the second waits here and then finds no row.
        const { affected } = await manager.createQueryBuilder().update(LoginLink).set({ redeemedAt: now })
          .where('token_hash = :hash and redeemed_at is null and expires_at > :now', { hash: tokenHash(token), now }).execute();
        if (affected !== 1) throw linkInvalid();
        const account = accountId === null ? await this.#make(manager, name, passwordHash) : await this.#replacePassword(manager, accountId, name, passwordHash);
        await this.audit.record({ tenant: PLATFORM_TENANT, contract: accountId === null ? accountRegistered : passwordReplaced, data: { actor: account.id, method: 'login-link' }, traceparent });
        return { name: account.name };
      });
    });
  }

  async #make(manager: EntityManager, name: string, passwordHash: string): Promise<{ id: string; name: string }> {
    const made = await manager.query<{ id: string; name: string }[]>('insert into account (id, name, name_key, password_hash, made_at) values ($1, $2, $3, $4, $5) on conflict (name_key) do nothing returning id, name',
      [v7(), name.trim(), nameKeyOf(name), passwordHash, this.clock.now()]);
    if (made[0] === undefined) throw new DomainError('conflict', 'account-name-taken', {}, 'This name is taken. Choose another; the link can still be used.');
    return made[0];
  }

  /** Whoever had the old password is out, and who was locked out by guesses is in again. */
  async #replacePassword(manager: EntityManager, id: string, name: string, passwordHash: string): Promise<{ id: string; name: string }> {
    const account = await manager.getRepository(Account).findOneBy({ id });
    if (!account) throw linkInvalid();
    if (account.nameKey !== nameKeyOf(name)) throw linkForAnother();
    await manager.getRepository(Account).update({ id }, { passwordHash });
    await manager.query('delete from session where account_id = $1', [id]);
    await manager.query('delete from login_attempt where name_hash = $1', [nameHashOf(name)]);
    return account;
  }

  /** Before the password is hashed: strangers must not get work done with made-up tokens. */
  async #goodLink(token: string): Promise<LoginLink> {
    const link = await this.database.getRepository(LoginLink).findOneBy({ tokenHash: tokenHash(token) });
    if (!link || link.redeemedAt !== null || link.expiresAt <= this.clock.now()) throw linkInvalid();
    return link;
  }
}
