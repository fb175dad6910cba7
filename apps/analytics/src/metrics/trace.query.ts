import { DomainError } from '@millrace/kernel';
import type { DataSource } from 'typeorm';
import { readSnapshot } from '../analytics-database.ts';
import { FACT_PARAMETERS, factParameters, factSourceOf, standingIn, type Standing } from './fact-source.ts';
import { oneOf, parseLimit, type Parameter, type Question } from './question.model.ts';

/** One event behind a number and its part of it. */
export interface TracedEvent {
  readonly log: string;
  readonly position: number;
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly contribution: string;
  readonly currency: string;
}

export interface Trace extends Standing {
  readonly events: readonly TracedEvent[];
  /** Give it as `after` for the next page; null after the last. */
  readonly next: string | null;
}

export interface Page {
  /** `<log>:<position>` of the last event seen. */
  readonly after?: { readonly log: string; readonly position: number };
  readonly limit: number;
}

const MOST_EVENTS = 1000;
const USUAL_EVENTS = 100;

const parseAfter = (text: string | undefined): Page['after'] => {
  if (text === undefined) return undefined;
  const [, log, position] = /^([a-z]{1,32}\/\d{1,4}):(\d{1,15})$/.exec(text) ?? [];
  if (log !== undefined) return { log, position: Number(position) };
  throw new DomainError('invalid', 'after-malformed', {}, '"after" is the "next" of the page before, as in sales/0:120.');
};

/** Reads `after` and `limit` of a request. */
export const parsePage = (after: Parameter, limit: Parameter): Page => ({ after: parseAfter(oneOf('after', after)), limit: parseLimit(limit, MOST_EVENTS, USUAL_EVENTS) });

type Row = Omit<TracedEvent, 'position' | 'time'> & { position: string; time: Date };

/** Events are paged by their place in the logs, so a page stays what it was while later events come in. */
export const traceQuestion = (database: DataSource, question: Question, { after, limit }: Page): Promise<Trace> => {
  const { metric, tenant } = question;
  // A breakdown splits the value, not what it is made of.
  const { from, where } = factSourceOf(metric, { by: [], where: question.where });
  const n = FACT_PARAMETERS;
  const sql = `select e.log, e.position, o.event_id as id, o.event_type as type, o.time, e.contribution, o.currency
    from (
      select f.log, f.position, (${metric.contribution})::text as contribution from ${from}
      where ${where} and (${metric.only}) and ($${n + 1}::text is null or (f.log, f.position) > ($${n + 1}, $${n + 2}::bigint))
      group by f.log, f.position order by f.log, f.position limit $${n + 3}
    ) e join order_fact o on o.tenant = $1 and o.log = e.log and o.position = e.position
    order by e.log, e.position`;
  return readSnapshot(database, async (manager) => {
    const standing = await standingIn(manager, tenant, metric.contexts);
    const rows = await manager.query<Row[]>(sql, [...factParameters(question), after?.log ?? null, after?.position ?? null, limit + 1]);
    const events = rows.slice(0, limit).map((row) => ({ ...row, position: Number(row.position), time: row.time.toISOString() }));
    const last = events.at(-1);
    return { ...standing, events, next: rows.length > limit && last !== undefined ? `${last.log}:${last.position}` : null };
  });
};
