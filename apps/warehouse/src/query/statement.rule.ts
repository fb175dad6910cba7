import { ALLOWED_FUNCTIONS, ALLOWED_TABLE_FUNCTIONS } from './allowed-functions.ts';

/** Why a statement isn't run; `code` is stable. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

type Node = Readonly<Record<string, unknown>>;

/** Expression classes of DuckDB's parser that compute from rows and constants alone. */
const EXPRESSIONS = new Set(['BETWEEN', 'CASE', 'CAST', 'COLLATE', 'COLUMN_REF', 'COMPARISON', 'CONJUNCTION', 'CONSTANT', 'FUNCTION', 'LAMBDA', 'LAMBDA_REF', 'OPERATOR', 'POSITIONAL_REFERENCE', 'STAR', 'SUBQUERY', 'WINDOW']);
const QUERIES = new Set(['SELECT_NODE', 'SET_OPERATION_NODE', 'RECURSIVE_CTE_NODE', 'CTE_NODE']);
const TABLES = new Set(['BASE_TABLE', 'SUBQUERY', 'JOIN', 'EMPTY', 'EXPRESSION_LIST', 'TABLE_FUNCTION']);
const MODIFIERS = new Set(['ORDER_MODIFIER', 'LIMIT_MODIFIER', 'LIMIT_PERCENT_MODIFIER', 'DISTINCT_MODIFIER']);
const ORDERS = new Set(['ORDER_DEFAULT', 'ASCENDING', 'DESCENDING', 'INVALID']);

/** A name for a CTE that can't be mistaken for a file or for a table of DuckDB's own. */
const CTE_NAME = /^(?!pg_|duckdb_|sqlite_|pragma_|information_schema)[a-z_][a-z0-9_]*$/i;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const shown = (name: string): string => `"${name.slice(0, 60)}"`;

const construct = (kind: string): Refusal =>
  ({ code: 'sql-construct-not-allowed', message: `Expected a SELECT over the star's tables; ${kind.toLowerCase().replaceAll('_', ' ')} can't be used here.` });

const functionFault = (node: Node, allowed: ReadonlySet<string>): Refusal | undefined => {
  const name = textOf(node['function_name']).toLowerCase();
  const schema = textOf(node['schema']);
  if (allowed.has(name) && (schema === '' || schema === 'main') && textOf(node['catalog']) === '') return undefined;
  return { code: 'sql-function-not-allowed', message: `Expected functions that compute on rows; ${shown(name)} isn't one of those a query may call. docs/guides/warehouse-sql.md lists them.` };
};

const tableFault = (node: Node, known: ReadonlySet<string>): Refusal | undefined => {
  const name = textOf(node['table_name']).toLowerCase();
  const schema = textOf(node['schema_name']);
  if (known.has(name) && (schema === '' || schema === 'main') && textOf(node['catalog_name']) === '' && (node['at_clause'] ?? null) === null) return undefined;
  const full = [textOf(node['catalog_name']), schema, textOf(node['table_name'])].filter((part) => part !== '').join('.');
  return { code: 'sql-table-unknown', message: `Expected order_line, product, customer, date or a name from WITH after FROM; got ${shown(full)}. Files and system tables can't be read.` };
};

/** Kinds are told apart by `class` (expressions) and `type` (all else); what isn't known is refused. */
const nodeFault = (node: Node, known: ReadonlySet<string>): Refusal | undefined => {
  const type = textOf(node['type']);
  if (typeof node['class'] === 'string') {
    if (!EXPRESSIONS.has(node['class'])) return construct(node['class']);
    return node['class'] === 'FUNCTION' || node['class'] === 'WINDOW' ? functionFault(node, ALLOWED_FUNCTIONS) : undefined;
  }
  if (type === '' || type.endsWith('_TYPE_INFO') || QUERIES.has(type) || MODIFIERS.has(type) || ORDERS.has(type)) return undefined;
  if (!TABLES.has(type)) return construct(type);
  return type === 'BASE_TABLE' ? tableFault(node, known) : undefined;
};

/** Children to look at; a constant's value is data, and a table function's own node has its own list. */
const childrenOf = (node: Node): unknown[] =>
  Object.entries(node).filter(([key]) => !(node['class'] === 'CONSTANT' && key === 'value') && !(node['type'] === 'TABLE_FUNCTION' && key === 'function')).map(([, value]) => value);

const cteNames = (value: unknown, found: Set<string>): void => {
  if (Array.isArray(value)) value.forEach((each) => cteNames(each, found));
  if (!isNode(value)) return;
  const map = isNode(value['cte_map']) ? value['cte_map']['map'] : undefined;
  if (Array.isArray(map)) for (const entry of map) if (isNode(entry)) found.add(textOf(entry['key']));
  if (typeof value['cte_name'] === 'string') found.add(value['cte_name']);
  Object.values(value).forEach((each) => cteNames(each, found));
};

const walk = (value: unknown, known: ReadonlySet<string>): Refusal | undefined => {
  if (Array.isArray(value)) return firstFault(value, known);
  if (!isNode(value)) return undefined;
  const own = nodeFault(value, known);
  if (own) return own;
  if (value['type'] === 'TABLE_FUNCTION' && isNode(value['function'])) {
    const fault = functionFault(value['function'], ALLOWED_TABLE_FUNCTIONS) ?? walk(value['function']['children'], known);
    if (fault) return fault;
  }
  return firstFault(childrenOf(value), known);
};

const firstFault = (values: readonly unknown[], known: ReadonlySet<string>): Refusal | undefined => {
  for (const value of values) {
    const fault = walk(value, known);
    if (fault) return fault;
  }
  return undefined;
};

/**
 * Judges what DuckDB's own parser made of a query (`json_serialize_sql`). Pure. Undefined: the statement is one SELECT that names only
 * `tables`, names made by its own WITH, and functions of the allow-list. Everything the rule doesn't know is refused.
 */
export const refusalOf = (parsed: unknown, tables: readonly string[]): Refusal | undefined => {
  if (!isNode(parsed)) return construct('this');
  if (parsed['error'] === true) {
    return parsed['error_type'] === 'parser'
      ? { code: 'sql-syntax', message: `The SQL can't be parsed: ${textOf(parsed['error_message']).slice(0, 300)}` }
      : { code: 'sql-not-select', message: 'Expected a SELECT; this statement writes, changes settings or does something else. The warehouse only answers questions.' };
  }
  const statements = Array.isArray(parsed['statements']) ? parsed['statements'] : [];
  if (statements.length !== 1) return { code: 'sql-several-statements', message: `Expected one statement, got ${statements.length}. Send them one by one.` };
  const names = new Set<string>();
  cteNames(statements, names);
  const odd = [...names].find((name) => name !== '' && !CTE_NAME.test(name));
  if (odd !== undefined) return { code: 'sql-construct-not-allowed', message: `Expected a plain name of letters, digits and "_" in WITH; got ${shown(odd)}.` };
  return walk(statements, new Set([...tables, ...[...names].map((name) => name.toLowerCase())]));
};
