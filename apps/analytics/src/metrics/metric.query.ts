import type { DataSource, EntityManager } from 'typeorm';
import { readSnapshot } from '../analytics-database.ts';
import { cohortRows } from './cohort.query.ts';
import { DIMENSIONS, type DimensionId } from './dimension.model.ts';
import { readExclusions, type Exclusion } from './exclusion.query.ts';
import { FACT_PARAMETERS, factParameters, factSourceOf, standingIn, type Standing } from './fact-source.ts';
import type { Metric } from './metric.model.ts';
import { isDimension, type Question } from './question.model.ts';

/** A row has one key per dimension, `currency` when the unit is money, and `value`: an exact decimal as text. */
export type MetricRow = Readonly<Record<string, string | number>>;

/** A number with its proof: what was asked, over which events, as of which positions. */
export interface MetricAnswer extends Standing {
  readonly metric: string;
  readonly version: number;
  readonly unit: Metric['unit'];
  readonly filter: { readonly from?: string; readonly to?: string; readonly where: Question['where'] };
  /** Lines (orders, for metrics of orders) and events behind the rows. */
  readonly facts: number;
  readonly events: number;
  readonly rows: readonly MetricRow[];
  /** True when there are more rows than `limit`. */
  readonly cut: boolean;
  /** revenue.net only: what was left out. */
  readonly exclusions?: readonly Exclusion[];
}

/** Amounts of different currencies are never added: a money metric is always given by currency too. */
const dimensionsOf = ({ metric, by }: Question): DimensionId[] => {
  const asked = by.filter(isDimension);
  return metric.unit === 'money' && !asked.includes('currency') ? [...asked, 'currency'] : asked;
};

const orderOf = (ids: readonly DimensionId[], cohort: string): string => {
  const times = ids.filter((id) => DIMENSIONS[id].time).map((id) => DIMENSIONS[id].group);
  const currency = ids.includes('currency') ? [DIMENSIONS.currency.group] : [];
  const others = ids.filter((id) => !DIMENSIONS[id].time && id !== 'currency').map((id) => DIMENSIONS[id].group);
  return [...times, ...currency, cohort, ...others].join(', ');
};

const rowsSql = (question: Question, ids: readonly DimensionId[]): string => {
  const { metric } = question;
  const { from, where } = factSourceOf(metric, question);
  const labels = ids.map((id) => `${DIMENSIONS[id].label} as "${id}", `).join('');
  const groups = ids.length === 0 ? '' : `group by ${ids.map((id) => DIMENSIONS[id].group).join(', ')}`;
  return `select ${labels}(${metric.value})::text as value from ${from} where ${where} and (${metric.only})
    ${groups} order by ${orderOf(ids, `${metric.value} desc`)} limit $${FACT_PARAMETERS + 1}`;
};

const plainRows = (manager: EntityManager, question: Question): Promise<MetricRow[]> =>
  manager.query<MetricRow[]>(rowsSql(question, dimensionsOf(question)), [...factParameters(question), question.limit + 1]);

/** Events are counted by position, which is far cheaper than by id and means the same. */
const countSql = (question: Question): string => {
  const { from, where } = factSourceOf(question.metric, question);
  return `select coalesce(sum(n), 0)::int as facts, count(*)::int as events
    from (select count(*) as n from ${from} where ${where} and (${question.metric.only}) group by f.log, f.position) e`;
};

/** Rows, counts, exclusions and the as-of vector are read in one snapshot. */
export const answerQuestion = (database: DataSource, question: Question): Promise<MetricAnswer> =>
  readSnapshot(database, async (manager) => {
    const { metric, tenant, from, to, where, limit } = question;
    const standing = await standingIn(manager, tenant, metric.contexts);
    // A ratio over nothing has no value.
    const rows = (await (metric.grain === 'cohort' ? cohortRows(manager, question) : plainRows(manager, question))).filter((row) => row['value'] !== null);
    const [counts = { facts: 0, events: 0 }] = await manager.query<{ facts: number; events: number }[]>(countSql(question), factParameters(question));
    return {
      metric: metric.id, version: metric.version, unit: metric.unit, ...standing, filter: { from, to, where }, ...counts,
      rows: rows.slice(0, limit), cut: rows.length > limit,
      ...(metric.id === 'revenue.net' ? { exclusions: await readExclusions(manager, question) } : {}),
    };
  });
