import type { EntityManager } from 'typeorm';
import { factParameters, factSourceOf } from './fact-source.ts';
import { BAD_DEBT, EXCLUDED_FROM_NET } from './metric.model.ts';
import type { Question } from './question.model.ts';

/** What revenue.net leaves out, by product code: the difference to gross is the sum of `value`. */
export interface Exclusion {
  readonly code: string;
  readonly kind: string;
  /** `bad-debt` where that is why; null where the kind of the line is. */
  readonly reason: string | null;
  readonly currency: string;
  readonly lines: number;
  readonly value: string;
}

export const readExclusions = (manager: EntityManager, question: Question): Promise<Exclusion[]> => {
  const { from, where } = factSourceOf(question.metric, question);
  return manager.query<Exclusion[]>(
    `select f.product_id as code, f.kind, case when ${BAD_DEBT} then 'bad-debt' end as reason, f.currency, count(*)::int as lines, sum(f.amount)::text as value
     from ${from} where ${where} and ${EXCLUDED_FROM_NET} group by f.product_id, f.kind, 3, f.currency order by f.kind, f.product_id, 3, f.currency`,
    factParameters(question));
};
