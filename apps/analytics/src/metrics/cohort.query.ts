import type { EntityManager } from 'typeorm';
import { FACT_PARAMETERS, factParameters, factSourceOf } from './fact-source.ts';
import type { Question } from './question.model.ts';

export type CohortRow = { readonly cohort: string; readonly monthsSince: number; readonly value: string };

/**
 * Cohort table: customers by the month of their first purchase, and how many of them bought again n months later. The first purchase is
 * looked for over all time, the range bounds the activity that is counted.
 */
export const cohortRows = (manager: EntityManager, question: Question): Promise<CohortRow[]> => {
  const { metric } = question;
  const { from, whereEver, where } = factSourceOf(metric, question);
  return manager.query<CohortRow[]>(
    `with active as (
       select f.customer_ref, date_trunc('month', f.time, 'UTC') at time zone 'UTC' as month, bool_or(${where}) as asked
       from ${from} where ${whereEver} and (${metric.only}) group by 1, 2
     ), first as (
       select customer_ref, min(month) as month from active group by 1
     )
     select to_char(first.month, 'YYYY-MM') as cohort,
       ((extract(year from active.month) - extract(year from first.month)) * 12 + extract(month from active.month) - extract(month from first.month))::int as "monthsSince",
       count(*)::text as value
     from active join first using (customer_ref) where active.asked group by 1, 2 order by 1, 2 limit $${FACT_PARAMETERS + 1}`,
    [...factParameters(question), question.limit + 1]);
};
