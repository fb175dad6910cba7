import { DomainError, parseTenant, type Tenant } from '@millrace/kernel';
import { DIMENSIONS, type Breakdown } from './dimension.model.ts';
import { METRICS, type Metric } from './metric.model.ts';

/** What can stand before `=` in `where`. Values of one key are alternatives, different keys must all hold. */
export const FILTERS = ['source', 'currency', 'country', 'product', 'customer', 'kind', 'fact', 'hour', 'day', 'month'] as const;
export type FilterId = (typeof FILTERS)[number];

/** A checked question about one metric. Times are ISO 8601 UTC, `to` is exclusive. */
export interface Question {
  readonly tenant: Tenant;
  readonly metric: Metric;
  readonly by: readonly Breakdown[];
  readonly from?: string;
  readonly to?: string;
  readonly where: Readonly<Partial<Record<FilterId, readonly string[]>>>;
  readonly limit: number;
}

/** As a query string gives it: once, more often, or not at all. */
export type Parameter = string | readonly string[] | undefined;
export type QuestionParameters = Readonly<Record<string, Parameter>>;

const MOST_ROWS = 100_000;
const MOST_BREAKDOWNS = 3;
const MOST_FILTER_VALUES = 100;
const LONGEST_VALUE = 200;
const KNOWN = ['tenant', 'by', 'from', 'to', 'where', 'limit'];

const invalid = (code: string, message: string): DomainError => new DomainError('invalid', code, {}, message);
/** A value of the request in an error's message: short, on one line. */
const shown = (value: string): string => JSON.stringify(value.slice(0, 60));

export const findMetric = (id: string): Metric => {
  const metric = METRICS.find((candidate) => candidate.id === id);
  if (metric !== undefined) return metric;
  throw invalid('metric-unknown', `There is no metric ${shown(id)}; there are ${METRICS.map((known) => known.id).join(', ')}.`);
};

const many = (parameter: Parameter): readonly string[] => parameter === undefined ? [] : typeof parameter === 'string' ? [parameter] : parameter;

/** A parameter that may be given once. */
export const oneOf = (name: string, parameter: Parameter): string | undefined => {
  const [value, second] = many(parameter);
  if (second !== undefined) throw invalid('parameter-repeated', `"${name}" may be given once.`);
  return value;
};

// Year to fraction of a second, each further part optional; without an offset it is UTC.
const INSTANT = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2})(?::(\d{2})(?::(\d{2}(?:\.\d{1,3})?))?)?(Z|[+-]\d{2}:\d{2})?)?)?)?$/;

/** `2011`, `2011-01`, `2011-01-04`, `2011-01-04T10` … a full ISO 8601 time: the instant at which it begins, UTC. */
export const parseInstant = (name: string, text: string): string => {
  const [match, year, month = '01', day = '01', hour = '00', minute = '00', second = '00', offset = 'Z'] = INSTANT.exec(text) ?? [];
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second.padEnd(2, '0')}`;
  const date = new Date(`${local}${offset}`);
  // Date rolls 2011-02-30 over into March; a day that does not exist is an error here.
  const exists = match !== undefined && !Number.isNaN(date.getTime()) && new Date(`${local}Z`).toISOString().startsWith(`${year}-${month}-${day}`);
  if (exists) return date.toISOString();
  throw invalid('time-malformed', `"${name}" is an ISO 8601 time or the beginning of one, as in 2011-01, 2011-01-04 or 2011-01-04T10:00:00Z; got ${shown(text)}.`);
};

/** A range that ends before it begins holds nothing: its answer would be a 0 that looks like one of the shop's. */
const parseRange = (from: string | undefined, to: string | undefined): Pick<Question, 'from' | 'to'> => {
  const range = { ...(from === undefined ? {} : { from: parseInstant('from', from) }), ...(to === undefined ? {} : { to: parseInstant('to', to) }) };
  if (range.from === undefined || range.to === undefined || Date.parse(range.from) <= Date.parse(range.to)) return range;
  throw invalid('range-reversed', `"from" is not after "to"; got from ${range.from} to ${range.to}.`);
};

const parseBreakdowns = (metric: Metric, asked: readonly string[]): readonly Breakdown[] => {
  if (metric.grain === 'cohort' && asked.length === 0) return ['cohort'];
  for (const name of asked) {
    if (!(metric.dimensions as readonly string[]).includes(name)) throw invalid('dimension-unknown', `${metric.id} can't be given by ${shown(name)}; it can by ${metric.dimensions.join(', ')}.`);
  }
  const by = metric.dimensions.filter((dimension) => asked.includes(dimension));
  if (by.length > MOST_BREAKDOWNS) throw invalid('too-many-dimensions', `At most ${MOST_BREAKDOWNS} dimensions can be combined; got ${by.length}.`);
  return by;
};

const TIME_PATTERNS: Partial<Record<FilterId, RegExp>> = { hour: /^\d{4}-\d{2}-\d{2}T\d{2}$/, day: /^\d{4}-\d{2}-\d{2}$/, month: /^\d{4}-\d{2}$/ };

const parseFilterValue = (key: FilterId, value: string): string => {
  const pattern = TIME_PATTERNS[key];
  if (pattern === undefined) return value;
  if (!pattern.test(value)) throw invalid('filter-malformed', `A month is written 2011-01, a day 2011-01-04, an hour 2011-01-04T10; got ${key}=${shown(value)}.`);
  return parseInstant(key, value);
};

/** The `where` keys of a metric: an order as a whole has neither kind nor fact, a cohort table has its own time. */
export const filtersOf = (metric: Metric): readonly FilterId[] =>
  metric.grain === 'order' ? FILTERS.filter((key) => key !== 'kind' && key !== 'fact') : metric.grain === 'cohort' ? FILTERS.filter((key) => !(key in TIME_PATTERNS)) : FILTERS;

const parseFilters = (metric: Metric, asked: readonly string[]): Question['where'] => {
  if (asked.length > MOST_FILTER_VALUES) throw invalid('too-many-filters', `At most ${MOST_FILTER_VALUES} "where" can be given; got ${asked.length}.`);
  const where: Partial<Record<FilterId, string[]>> = {};
  for (const text of asked) {
    const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    const key = filtersOf(metric).find((known) => known === name);
    if (key === undefined || value === '' || value.length > LONGEST_VALUE || value.includes('\0')) {
      throw invalid('filter-unknown', `"where" is key=value with at most ${LONGEST_VALUE} characters and one of ${filtersOf(metric).join(', ')} for ${metric.id}; got ${shown(text)}.`);
    }
    (where[key] ??= []).push(parseFilterValue(key, value));
  }
  return where;
};

/** A whole number in a query string, within bounds. */
export const parseLimit = (parameter: Parameter, most: number, usual: number): number => {
  const text = oneOf('limit', parameter);
  if (text === undefined) return usual;
  const limit = Number(text);
  if (/^\d{1,9}$/.test(text) && limit >= 1 && limit <= most) return limit;
  throw invalid('limit-malformed', `"limit" is a whole number from 1 to ${most}; got ${shown(text)}.`);
};

export const parseTenantParameter = (parameter: Parameter): Tenant => {
  const tenant = oneOf('tenant', parameter);
  if (tenant === undefined) throw invalid('tenant-missing', 'Say whose numbers: ?tenant=<tenant>.');
  return parseTenant(tenant);
};

/** Reads a request's parameters; every refusal is `invalid` and names what would have been accepted. */
export const parseQuestion = (metricId: string, parameters: QuestionParameters): Question => {
  const metric = findMetric(metricId);
  const unknown = Object.keys(parameters).find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) throw invalid('parameter-unknown', `There is no parameter ${shown(unknown)}; there are ${KNOWN.join(', ')}.`);
  const range = parseRange(oneOf('from', parameters['from']), oneOf('to', parameters['to']));
  return {
    tenant: parseTenantParameter(parameters['tenant']),
    metric,
    by: parseBreakdowns(metric, many(parameters['by'])),
    ...range,
    where: parseFilters(metric, many(parameters['where'])),
    limit: parseLimit(parameters['limit'], MOST_ROWS, MOST_ROWS),
  };
};

export const isDimension = (breakdown: Breakdown): breakdown is Exclude<Breakdown, 'cohort'> => breakdown in DIMENSIONS;
