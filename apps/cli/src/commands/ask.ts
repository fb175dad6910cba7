import { connectPlatform } from '../client/platform-client.ts';
import { alignedTable, asCell, objectTable } from '../output/table.ts';
import { present } from '../output/terminal.ts';
import { withTenant, type Register, type TenantOptions } from './command-context.ts';
import { collectCondition, collectList } from './option-value.ts';

type AsOf = Readonly<Record<string, number>>;

const asOfLine = (asOf: AsOf): string => `as of ${Object.entries(asOf).map(([log, position]) => `${log} ${position}`).join(', ') || 'the beginning'}`;

interface MetricOptions extends TenantOptions {
  readonly by?: string[];
  readonly from?: string;
  readonly to?: string;
  readonly where?: string[];
}

type Row = Readonly<Record<string, unknown>>;
interface Incomplete {
  /** Events of a log up to its position that could not be applied, where there are any. */
  readonly parked?: AsOf;
}
interface MetricAnswer extends Incomplete { readonly metric: string; readonly version: number; readonly asOf: AsOf; readonly rows: readonly Row[]; readonly cut?: boolean; readonly exclusions?: readonly Row[] }

const parkedLine = ({ parked = {} }: Incomplete): string[] =>
  Object.entries(parked).map(([log, count]) => `without ${count} parked ${count === 1 ? 'event' : 'events'} of ${log}: see \`millrace parked list\``);

const metricText = (answer: MetricAnswer): string => [
  `${answer.metric} v${answer.version}, ${asOfLine(answer.asOf)}`,
  objectTable(answer.rows),
  ...(answer.cut === true ? [`There are more rows than ${answer.rows.length}: narrow it by --from, --to or --where.`] : []),
  ...(answer.exclusions === undefined || answer.exclusions.length === 0 ? [] : ['', 'left out:', objectTable(answer.exclusions)]),
  ...parkedLine(answer),
].join('\n');

export const registerMetric: Register = (program, context) => {
  withTenant(program.command('metric <id>').description('a number and the positions it stands on, e.g. revenue.gross'), 'shop')
    .option('--by <dimension>', 'hour, day, month, country, product, customer, source, currency, up to three of them; cohort for cohort.retention', collectList)
    .option('--from <time>', 'from then on: 2011, 2011-01, 2011-01-31, 2011-01-31T10 or an ISO 8601 time')
    .option('--to <time>', 'before then')
    .option('--where <key=value>', 'only where, e.g. country=France (repeatable)', collectCondition)
    .action(async (id: string, { tenant, json, by, from, to, where }: MetricOptions) => {
      const answer = await connectPlatform(context.config.home).call('analytics', `/v1/metrics/${encodeURIComponent(id)}`, { query: { tenant, by, from, to, where } }) as MetricAnswer;
      present(context.terminal, json === true, answer, () => metricText(answer));
    });
};

interface SqlAnswer extends Incomplete { readonly asOf: AsOf; readonly columns: readonly (string | { readonly name: string })[]; readonly rows: readonly unknown[] }

const rowCells = (row: unknown, names: readonly string[]): unknown[] =>
  Array.isArray(row) ? row : names.map((name) => (row as Record<string, unknown>)[name]);

export const sqlTable = (answer: SqlAnswer): string => {
  const names = answer.columns.map((column) => (typeof column === 'string' ? column : column.name));
  return alignedTable(names, answer.rows.map((row) => rowCells(row, names).map(asCell)));
};

export const registerSql: Register = (program, context) => {
  withTenant(program.command('sql <select>').description('ask the warehouse: tables order_line, product, customer, date'), 'shop')
    .action(async (sql: string, { tenant, json }: TenantOptions) => {
      const answer = await connectPlatform(context.config.home).call('warehouse', '/v1/query', { method: 'POST', body: { tenant, sql } }) as SqlAnswer;
      present(context.terminal, json === true, answer, () => [sqlTable(answer), asOfLine(answer.asOf), ...parkedLine(answer)].join('\n'));
    });
};

interface Revealed { readonly revealed: readonly ({ readonly ref: string; readonly value: string } | { readonly ref: string; readonly error: string })[] }

export const registerReveal: Register = (program, context) => {
  withTenant(program.command('reveal <refs...>').description('customer numbers behind subject references; the call is audited'), 'shop')
    .requiredOption('--reason <text>', 'why you need to know; stands in the audit event')
    .action(async (refs: string[], { tenant, json, reason }: TenantOptions & { reason: string }) => {
      const answer = await connectPlatform(context.config.home).call('security', '/v1/reveal', { method: 'POST', body: { tenant, refs, field: 'customer-number', reason } }) as Revealed;
      present(context.terminal, json === true, answer, () => alignedTable(['ref', 'customer number'], answer.revealed.map((one) => [one.ref, 'value' in one ? one.value : `(${one.error})`])));
      if (answer.revealed.some((one) => 'error' in one)) context.fail();
    });
};
