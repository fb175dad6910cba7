import type { Tenant } from '@millrace/kernel';
import type { Database } from './database.ts';

interface Gathering {
  readonly counts: Map<string, { tenant: Tenant; source: string; n: number }>;
  readonly written: Promise<void>;
}

/**
 * Counts events as received, with asynchronous commit. Calls made while a statement runs are added up into the next one. A receipt that
 * returned before an append began is durable once that append is.
 */
export class Receipts {
  private running: Promise<void> = Promise.resolve();
  private gathering: Gathering | undefined;

  constructor(private readonly database: Database) {}

  record(tenant: Tenant, source: string, received: number): Promise<void> {
    const gathering = (this.gathering ??= this.gather());
    const key = `${tenant} ${source}`;
    const entry = gathering.counts.get(key);
    if (entry === undefined) gathering.counts.set(key, { tenant, source, n: received });
    else entry.n += received;
    return gathering.written;
  }

  private gather(): Gathering {
    const counts: Gathering['counts'] = new Map();
    const written = this.running.then(async () => {
      this.gathering = undefined;
      await this.database.query({ name: 'receipts', text: 'SELECT millrace.record_receipts($1)', values: [JSON.stringify([...counts.values()])] });
    });
    // One failed statement fails its own callers, not those of the next.
    this.running = written.catch(() => undefined);
    return { counts, written };
  }
}
