import { DomainError, type Clock } from '@millrace/kernel';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { accountRegistered } from '../audit/account-audit.contract.ts';
import { PLATFORM_TENANT, type AuditLog } from '../audit/audit-log.ts';
import { orUnavailable } from '../database-outage.ts';
import { nameKeyOf } from './account-name.ts';
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

/** Makes one-time links and the accounts they are good for. */
export class Accounts {
  constructor(private readonly database: DataSource, private readonly audit: AuditLog, private readonly clock: Clock) {}

  /** A new link; the token is in this answer and nowhere else. */
  async invite(): Promise<{ token: string; expiresAt: string }> {
    const now = this.clock.now();
    const [token, expiresAt] = [newToken(), new Date(now.getTime() + LOGIN_LINK_MS)];
    await orUnavailable('account-database', async () => {
      await this.database.query('delete from login_link where expires_at <= $1', [now]);
      await this.database.getRepository(LoginLink).insert({ tokenHash: tokenHash(token), madeAt: now, expiresAt, redeemedAt: null });
    });
    return { token, expiresAt: expiresAt.toISOString() };
  }

  /**
   * Makes an account with a link, exactly once per link. DomainError `forbidden` (`login-link-invalid`), `conflict`
   * (`account-name-taken`, the link stays good), `unavailable`: nothing was made, the link stays good.
   */
  redeem({ token, name, password }: NewAccount, traceparent?: string): Promise<{ name: string }> {
    return orUnavailable('account-database', async () => {
      await this.#refuseBadLink(token);
      const [id, passwordHash, now] = [v7(), await hashPassword(password), this.clock.now()];
      await this.database.transaction(async (manager) => {
        // The update decides between callers: of two at once the second waits here and then finds no row.
        const { affected } = await manager.createQueryBuilder().update(LoginLink).set({ redeemedAt: now })
          .where('token_hash = :hash and redeemed_at is null and expires_at > :now', { hash: tokenHash(token), now }).execute();
        if (affected !== 1) throw linkInvalid();
        const made = await manager.query<unknown[]>('insert into account (id, name, name_key, password_hash, made_at) values ($1, $2, $3, $4, $5) on conflict (name_key) do nothing returning id',
          [id, name.trim(), nameKeyOf(name), passwordHash, now]);
        if (made.length === 0) throw new DomainError('conflict', 'account-name-taken', {}, 'This name is taken. Choose another; the link can still be used.');
        await this.audit.record({ tenant: PLATFORM_TENANT, contract: accountRegistered, data: { actor: id, method: 'login-link' }, traceparent });
      });
      return { name: name.trim() };
    });
  }

  /** Before the password is hashed: strangers must not get work done with made-up tokens. */
  async #refuseBadLink(token: string): Promise<void> {
    const link = await this.database.getRepository(LoginLink).findOneBy({ tokenHash: tokenHash(token) });
    if (!link || link.redeemedAt !== null || link.expiresAt <= this.clock.now()) throw linkInvalid();
  }
}
