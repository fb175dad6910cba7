import type { Tenant } from '@millrace/kernel';
import type { Database } from './database.ts';
import type { Receipt } from './event-store.ts';

interface Gathering {
  readonly counts: Map<string, { tenant: Tenant; source: string; n: number }>;
  readonly written: Promise<Receipt>;
}

/**
 * Counts events as received, with asynchronous commit. Calls made while a statement runs are added up into the next one. A receipt that
 * returned before an append began is durable once that append is; see sql/0014_receipts.sql for a crash between the two.
 */
export class Receipts {
  private running: Promise<unknown> = Promise.resolve();
  private gathering: Gathering | undefined;

  constructor(private readonly database: Database) {}

  record(tenant: Tenant, source: string, received: number): Promise<Receipt> {
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
      const [receipt] = await this.database.query<Receipt>({ name: 'receipts', text: 'SELECT run FROM millrace.record_receipts($1)', values: [JSON.stringify([...counts.values()])] });
      return receipt!;
    });
    // One failed statement fails its own callers, not those of the next.
    this.running = written.catch(() => undefined);
    return { counts, written };
  }
}
