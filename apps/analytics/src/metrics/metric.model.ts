import type { Context } from '@millrace/kernel';
import { LINE_DIMENSIONS, type Breakdown } from './dimension.model.ts';

/**
 * A metric is data: what it says to people, and fixed SQL fragments over the fact alias `f` (never anything from a request). `only`
 * keeps the facts that count, `value` adds them up, `contribution` is one event's part of it. A new meaning is a new version.
 */
export interface Metric {
  readonly id: string;
  readonly version: number;
  readonly unit: 'money' | 'orders' | 'lines' | 'items' | 'customers' | 'ratio';
  readonly description: string;
  readonly grain: 'line' | 'order' | 'cohort';
  readonly only: string;
  readonly value: string;
  readonly contribution: string;
  /** How an event's contribution relates to the value. */
  readonly contributionMeans: string;
  readonly dimensions: readonly Breakdown[];
  /** Contexts whose logs the number comes from: what `asOf` names. */
  readonly contexts: readonly Context[];
}

const SALES: readonly Context[] = ['sales'];
/** Customer known, quantity and price above zero. */
const CLEAN = 'f.customer_ref is not null and f.quantity > 0 and f.unit_price > 0';
/**
 * Lines of an adjustment that writes a debt off: by its reason, whatever kind they have; where it gives none, as an imported file's, by their kind. What is
 * adjusted for another reason, as a price put right, is revenue.
 */
export const BAD_DEBT = `(f.fact = 'adjusted' and (f.reason is not distinct from 'bad-debt' or (f.reason is null and f.kind = 'adjustment')))`;
/** Billed, but not sales of goods. */
export const EXCLUDED_FROM_NET = `(f.kind in ('postage', 'bank-charge', 'manual') or ${BAD_DEBT})`;

const SUM_OF_AMOUNTS = { grain: 'line', unit: 'money', version: 1, value: 'sum(f.amount)', contribution: 'sum(f.amount)', contributionMeans: 'amount of the event\'s lines that count; the value is their sum', dimensions: LINE_DIMENSIONS, contexts: SALES } as const;
const CUSTOMERS = { unit: 'customers', version: 1, only: CLEAN, contribution: '1', contributionMeans: '1: the event makes its customer count, once however many events there are', contexts: SALES } as const;

export const METRICS: readonly Metric[] = [
  { ...SUM_OF_AMOUNTS, id: 'revenue.gross', only: 'true', description: 'All lines as billed: quantity x unit price; returns and cancellations are negative.' },
  {
    ...SUM_OF_AMOUNTS, id: 'revenue.net', version: 2, only: `not ${EXCLUDED_FROM_NET}`,
    description: 'Gross without bad debts and without postage, bank-charge and manual lines. A bad debt is an adjustment whose reason is bad-debt, whatever the kind of its lines, or of one without a reason the lines of kind adjustment; adjustments for another reason count. `exclusions` lists what was left out, by code.',
  },
  { ...SUM_OF_AMOUNTS, id: 'revenue.clean', only: CLEAN, description: 'Lines with a known customer, quantity > 0 and unit price > 0.' },
  {
    id: 'orders', version: 1, unit: 'orders', grain: 'order', only: `f.fact = 'placed'`, value: 'count(*)', contribution: 'count(*)', contributionMeans: '1 per placed order; the value is their sum',
    description: 'Order events (sales.order.placed), at the time of the order: two events with one orderId count twice. By product: orders with a line of it.', dimensions: LINE_DIMENSIONS, contexts: SALES,
  },
  {
    id: 'aov', version: 1, unit: 'money', grain: 'order', only: `f.fact = 'placed'`, value: 'round(sum(f.gross) / count(*), 6)', contribution: 'sum(f.gross)', contributionMeans: 'gross value of the order; the value is their average',
    description: 'Average order value: gross value of placed orders / placed orders, 6 decimals, halves away from zero. By product: of the orders with a line of it.', dimensions: LINE_DIMENSIONS, contexts: SALES,
  },
  {
    id: 'cancellation.lines', version: 1, unit: 'lines', grain: 'line', only: `f.fact = 'cancelled'`, value: 'count(*)', contribution: 'count(*)', contributionMeans: 'lines the event cancels; the value is their sum',
    description: 'Lines of cancellations.', dimensions: LINE_DIMENSIONS, contexts: SALES,
  },
  {
    id: 'cancellation.rate', version: 1, unit: 'ratio', grain: 'line', only: 'true', value: `round((count(*) filter (where f.fact = 'cancelled'))::numeric / nullif(count(*), 0), 6)`,
    contribution: `count(*) filter (where f.fact = 'cancelled')`, contributionMeans: 'lines the event cancels; the value is their sum / all lines',
    description: 'Lines of cancellations / all lines, 6 decimals, halves away from zero.', dimensions: LINE_DIMENSIONS, contexts: SALES,
  },
  {
    id: 'units', version: 1, unit: 'items', grain: 'line', only: CLEAN, value: 'coalesce(sum(f.quantity), 0)', contribution: 'sum(f.quantity)', contributionMeans: 'quantity of the event\'s lines that count; the value is their sum',
    description: 'Quantity over the lines of revenue.clean.', dimensions: LINE_DIMENSIONS, contexts: SALES,
  },
  { ...CUSTOMERS, id: 'buyers', grain: 'line', value: 'count(distinct f.customer_ref)', description: 'Distinct customers on the lines of revenue.clean. Identities that were linked (customer.identity.linked) count apart.', dimensions: LINE_DIMENSIONS },
  {
    ...CUSTOMERS, id: 'cohort.retention', grain: 'cohort', value: 'count(distinct f.customer_ref)', dimensions: ['cohort'],
    description: 'Active customers by cohort (month of the first clean purchase ever under `where`) and months since; `from` and `to` bound the activity, not the first purchase. Identities that were linked (customer.identity.linked) count apart.',
  },
];
