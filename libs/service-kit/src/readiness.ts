import { isDomainError } from '@millrace/kernel';

/** Resolves when the thing is usable, rejects when it isn't. */
export type ReadinessCheck = () => unknown;

/** A check that hangs counts as failed after this long, well below a usual probe's timeout of some seconds. */
const CHECK_TIMEOUT_MS = 1500;

const withDeadline = async (check: ReadinessCheck): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('timed out')), CHECK_TIMEOUT_MS);
  });
  try {
    await Promise.race([Promise.resolve().then(check), deadline]);
  } finally {
    clearTimeout(timer);
  }
};

const nameOf = (error: unknown): string => {
  if (isDomainError(error)) return error.code;
  if (error instanceof Error) return 'code' in error && typeof error.code === 'string' ? error.code : error.message === 'timed out' ? 'timed-out' : error.name;
  return 'failed';
};

/** What must work before `/ready` says yes. Apps add their checks at start; draining turns it off first of all. */
export class Readiness {
  private readonly checks = new Map<string, ReadinessCheck>();
  private draining = false;

  add(name: string, check: ReadinessCheck): void {
    this.checks.set(name, check);
  }

  drain(): void {
    this.draining = true;
  }

  /** Runs all checks at once; per check `ok` or the failure's code (never its message). */
  async report(): Promise<{ ready: boolean; checks: Record<string, string> }> {
    const results = await Promise.all([...this.checks].map(async ([name, check]): Promise<[string, string]> => {
      try {
        await withDeadline(check);
        return [name, 'ok'];
      } catch (error) {
        return [name, nameOf(error)];
      }
    }));
    const all: [string, string][] = this.draining ? [...results, ['drain', 'draining']] : results;
    return { ready: all.every(([, state]) => state === 'ok'), checks: Object.fromEntries(all) };
  }
}
