import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ALLOWED_FUNCTIONS, ALLOWED_TABLE_FUNCTIONS } from './allowed-functions.ts';
import { refusalOf } from './statement.rule.ts';

// Trees as DuckDB's parser writes them, cut to what the rule looks at; run-query.int.spec.ts judges real ones.
const select = (rest: Record<string, unknown> = {}): Record<string, unknown> => ({ type: 'SELECT_NODE', modifiers: [], cte_map: { map: [] }, select_list: [], from_table: { type: 'EMPTY' }, ...rest });
const parsed = (...nodes: unknown[]): unknown => ({ error: false, statements: nodes.map((node) => ({ node, named_param_map: [] })) });
const call = (name: string, rest: Record<string, unknown> = {}): Record<string, unknown> => ({ class: 'FUNCTION', type: 'FUNCTION', function_name: name, schema: '', catalog: '', children: [], ...rest });
const table = (name: string, rest: Record<string, unknown> = {}): Record<string, unknown> => ({ type: 'BASE_TABLE', table_name: name, schema_name: '', catalog_name: '', at_clause: null, ...rest });
const codeOf = (tree: unknown, tables: readonly string[] = ['order_line']): string | undefined => refusalOf(tree, tables)?.code;

describe('refusalOf', () => {
  it.each([null, 'select', [], 7])('refuses a tree that is %j', (tree) => {
    expect(codeOf(tree)).toMatch(/^sql-/);
  });

  it.each([
    [{ error: true, error_type: 'parser', error_message: 'syntax error at or near "selec"' }, 'sql-syntax'],
    [{ error: true, error_type: 'not implemented', error_message: 'Only SELECT statements can be serialized to json!' }, 'sql-not-select'],
    [parsed(), 'sql-several-statements'], [parsed(select(), select()), 'sql-several-statements'], [{ error: false }, 'sql-several-statements'],
  ])('tells what the parser said: %j', (tree, code) => {
    expect(codeOf(tree)).toBe(code);
  });

  it('passes a select over known tables, in any case of letters', () => {
    expect(codeOf(parsed(select({ from_table: table('ORDER_LINE') })))).toBeUndefined();
    expect(codeOf(parsed(select({ from_table: table('order_line', { schema_name: 'main' }) })))).toBeUndefined();
  });

  it.each([table('other'), table('order_line', { schema_name: 'information_schema' }), table('order_line', { catalog_name: 'system' }), table('order_line', { at_clause: { unit: 'VERSION' } }), { type: 'SHOW_REF' }, { type: 'PIVOT' }, { type: 'COLUMN_DATA' }, { type: 'DELIM_GET' }])('refuses the table reference %j', (from) => {
    expect(codeOf(parsed(select({ from_table: from })))).toMatch(/sql-(table-unknown|construct-not-allowed)/);
  });

  it('knows the names a statement makes for itself, and only plain ones', () => {
    const withCte = (name: string): unknown => parsed(select({ cte_map: { map: [{ key: name, value: { query: { node: select() } } }] }, from_table: table(name) }));
    expect(codeOf(withCte('Mine'))).toBeUndefined();
    expect(['x.csv', '/etc/passwd', 'pg_class', 'duckdb_views', 'a b', '1'].map((name) => codeOf(withCte(name)))).toEqual(Array(6).fill('sql-construct-not-allowed'));
  });

  it('looks into every place a function can hide in', () => {
    const bad = call('getvariable');
    const places: Record<string, unknown>[] = [
      { select_list: [bad] }, { where_clause: bad }, { having: bad }, { qualify: bad }, { group_expressions: [bad] }, { sample: { sample_size: bad } },
      { modifiers: [{ type: 'ORDER_MODIFIER', orders: [{ type: 'ASCENDING', expression: bad }] }] }, { modifiers: [{ type: 'LIMIT_MODIFIER', limit: bad, offset: null }] },
      { select_list: [call('sum', { filter: bad })] }, { select_list: [call('sum', { order_bys: { type: 'ORDER_MODIFIER', orders: [{ type: 'ASCENDING', expression: bad }] } })] },
      { select_list: [{ class: 'WINDOW', type: 'WINDOW_AGGREGATE', function_name: 'sum', schema: '', catalog: '', partitions: [bad] }] }, { select_list: [{ class: 'SUBQUERY', type: 'SUBQUERY', subquery: { node: select({ select_list: [bad] }) } }] },
      { from_table: { type: 'JOIN', left: table('order_line'), right: table('order_line'), condition: bad } }, { from_table: { type: 'SUBQUERY', subquery: { node: select({ where_clause: bad }) } } },
      { from_table: { type: 'EXPRESSION_LIST', values: [[bad]] } }, { from_table: { type: 'TABLE_FUNCTION', function: call('range', { children: [bad] }) } },
      { cte_map: { map: [{ key: 'a', value: { query: { node: select({ select_list: [bad] }) } } }] } },
    ];
    expect(places.map((place) => codeOf(parsed(select(place))))).toEqual(places.map(() => 'sql-function-not-allowed'));
  });

  it('holds a function in FROM to the list for FROM', () => {
    const from = (name: string): unknown => parsed(select({ from_table: { type: 'TABLE_FUNCTION', function: call(name) } }));
    expect([from('range'), from('sum'), from('read_csv')].map((tree) => codeOf(tree))).toEqual([undefined, 'sql-function-not-allowed', 'sql-function-not-allowed']);
  });

  it('refuses a function of another schema or catalog, whatever its name', () => {
    expect([{ schema: 'main' }, { schema: 'other' }, { catalog: 'system' }].map((rest) => codeOf(parsed(select({ select_list: [call('sum', rest)] }))))).toEqual([undefined, 'sql-function-not-allowed', 'sql-function-not-allowed']);
  });

  it('takes a constant for data, whatever it looks like', () => {
    expect(codeOf(parsed(select({ select_list: [{ class: 'CONSTANT', type: 'VALUE_CONSTANT', value: { type: 'BASE_TABLE', table_name: 'x' } }] })))).toBeUndefined();
  });

  it('refuses every kind of node it has not been told about', () => {
    fc.assert(fc.property(fc.stringMatching(/^[A-Z]{3,12}_[A-Z]{3,12}$/).filter((kind) => !/NODE$|MODIFIER$|TYPE_INFO$|TABLE|FUNCTION|COLUMN_REF|LAMBDA_REF|EXPRESSION_LIST/.test(kind)), fc.boolean(), (kind, expression) => {
      expect(codeOf(parsed(select(expression ? { select_list: [{ class: kind, type: kind }] } : { from_table: { type: kind } })))).toBe('sql-construct-not-allowed');
    }));
  });
});

describe('the allow-lists', () => {
  it('have no function that reads files, settings or the catalog, runs text, sleeps or draws lots', () => {
    const all = [...ALLOWED_FUNCTIONS, ...ALLOWED_TABLE_FUNCTIONS];
    expect(all.filter((name) => /^(read_|parquet_|duckdb_|pragma_|pg_|icu_|sniff|glob|current_(setting|query|database|schema|user|role|catalog)|get(env|variable)|query|nextval|currval|setseed|random|uuid|gen_random|sleep|write|json_(execute|serialize|deserialize)|repeat|version|txid|which_secret|checkpoint|force_)/.test(name))).toEqual([]);
    expect(ALLOWED_TABLE_FUNCTIONS.size).toBeLessThanOrEqual(4);
  });

  it('are lower case: names are compared so', () => {
    expect([...ALLOWED_FUNCTIONS, ...ALLOWED_TABLE_FUNCTIONS].filter((name) => name !== name.toLowerCase())).toEqual([]);
  });
});
