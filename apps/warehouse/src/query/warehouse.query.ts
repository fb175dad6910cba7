import { DomainError, parseTenant, type AsOf } from '@millrace/kernel';
import { HttpProblem, type Durations } from '@millrace/service-kit';
import { z } from 'zod';
import { STAR_VIEWS } from '../snapshot/star-view.ts';
import type { SnapshotPublisher } from '../snapshot/snapshot-publisher.ts';
import type { QueryPool } from './query-pool.ts';
import type { QueryResult } from './query-job.ts';

const DEFAULT_ROWS = 10_000;
const MOST_ROWS = 100_000;
const MOST_BYTES = 8 * 1024 * 1024;
const MEMORY_LIMIT = '256MB';

const question = z.strictObject({ tenant: z.string(), sql: z.string().min(1), maxRows: z.int().min(1).max(MOST_ROWS).default(DEFAULT_ROWS) });
export type WarehouseQuestion = z.infer<typeof question>;

export interface WarehouseAnswer extends QueryResult {
  readonly asOf: AsOf;
  /** Events up to those positions that are parked, and so not in the answer, by log; absent when there are none. */
  readonly parked?: Readonly<Record<string, number>>;
}

export const parseWarehouseQuestion = (body: unknown): WarehouseQuestion => {
  const parsed = question.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new DomainError('invalid', 'query-malformed', { pointer: `/${issue?.path.join('/') ?? ''}` }, `Expected {"tenant","sql"} and optionally "maxRows" (1 to ${MOST_ROWS}); at /${issue?.path.join('/') ?? ''}: ${issue?.message ?? 'malformed'}.`);
  }
  parseTenant(parsed.data.tenant);
  return parsed.data;
};

/** 422 for SQL that was understood and isn't run; the request itself is fine. */
const refusal = (code: string, message: string): HttpProblem => new HttpProblem(422, code, message);

/**
 * Answers SQL over the tenant's star with everything loaded when the question came. Throws HttpProblem 422 for SQL that is refused, fails or
 * asks too much, DomainError `unavailable` when no process can run it now, or once `signal` is aborted.
 */
export class WarehouseQuery {
  constructor(private readonly publisher: SnapshotPublisher, private readonly pool: QueryPool, private readonly measure: Durations<never> = (_, work) => work()) {}

  answer(question: WarehouseQuestion, signal?: AbortSignal): Promise<WarehouseAnswer> {
    return this.measure({}, () => this.run(question, signal));
  }

  private async run({ tenant, sql, maxRows }: WarehouseQuestion, signal: AbortSignal | undefined): Promise<WarehouseAnswer> {
    const lease = await this.publisher.lease(tenant);
    try {
      const { views, files, asOf, parked } = lease;
      const outcome = await this.pool.run({ views, files, tables: STAR_VIEWS, sql, maxRows, maxBytes: MOST_BYTES, memoryLimit: MEMORY_LIMIT }, signal);
      if (!outcome.ok) throw refusal(outcome.code, outcome.message);
      return { asOf, ...(Object.keys(parked).length === 0 ? {} : { parked }), columns: outcome.columns, rows: outcome.rows };
    } catch (error) {
      if (error instanceof DomainError && error.kind === 'invalid') throw refusal(error.code, error.message);
      throw error;
    } finally {
      await lease.release();
    }
  }
}
