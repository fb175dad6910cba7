import type { Clock } from '@millrace/kernel';
import { HttpProblem } from '@millrace/service-kit';
import type { DataSource } from 'typeorm';
import { LoginAttempt } from './login-attempt.entity.ts';
import { nameHashOf } from './account-name.ts';

/** Room for a forgetful owner; a guesser gets a thousand tries a day at most. */
export const MAX_ATTEMPTS = 10;
export const ATTEMPT_WINDOW_MS = 15 * 60_000;

// The attempt is counted before the password is looked at: guesses made at once must not slip past the limit.
const COUNT = `
  insert into login_attempt as a (name_hash, attempts, window_ends_at) values ($1, 1, $3)
  on conflict (name_hash) do update set
    attempts = case when a.window_ends_at <= $2 then 1 else a.attempts + 1 end,
    window_ends_at = case when a.window_ends_at <= $2 then excluded.window_ends_at else a.window_ends_at end
  returning attempts, window_ends_at as "windowEndsAt"`;

/** Bounds guesses per name, over all processes and restarts. */
export class LoginAttempts {
  constructor(private readonly database: DataSource, private readonly clock: Clock) {}

  /** Counts one; answers the problem (429, `too-many-login-attempts`) when it is beyond the limit. */
  async count(name: string): Promise<HttpProblem | undefined> {
    const now = this.clock.now();
    const [row] = await this.database.query<Pick<LoginAttempt, 'attempts' | 'windowEndsAt'>[]>(COUNT, [nameHashOf(name), now, new Date(now.getTime() + ATTEMPT_WINDOW_MS)]);
    if (row === undefined || row.attempts <= MAX_ATTEMPTS) return undefined;
    const seconds = Math.max(1, Math.ceil((row.windowEndsAt.getTime() - now.getTime()) / 1000));
    return new HttpProblem(429, 'too-many-login-attempts', `More than ${MAX_ATTEMPTS} attempts were made under this name. Wait ${seconds} seconds.`, {}, seconds);
  }

  /** Forgets a name's attempts after a login, and on the way windows that ended. */
  async clear(name: string): Promise<void> {
    await this.database.query('delete from login_attempt where name_hash = $1 or window_ends_at <= $2', [nameHashOf(name), this.clock.now()]);
  }
}
