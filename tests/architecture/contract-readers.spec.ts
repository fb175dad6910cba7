import { describe, expect, it } from '@jest/globals';
import { CONTRACT_READERS, CONTRACTS, FIXTURES, RELEASED_CONTRACTS, VocabularyCheck, type EventContract, type Finding } from '@millrace/contracts';
import { METRICS } from '../../apps/analytics/src/metrics/metric.model.ts';
import { deriveContractReaders, recording, without } from './contract-readers.ts';

type Schema = Readonly<Record<string, unknown>>;

/** Our contracts with the schema of one changed. */
const changed = (type: string, version: number, change: (schema: Schema) => Schema): readonly EventContract[] =>
  CONTRACTS.map((contract) => (contract.type === type && contract.version === version ? { ...contract, jsonSchema: change(contract.jsonSchema) } : contract));
const findings = (contracts: readonly EventContract[]): readonly Finding[] => new VocabularyCheck({ contracts, fixtures: FIXTURES, released: RELEASED_CONTRACTS, readers: CONTRACT_READERS }).run();
const inLines = (change: (line: Schema) => Schema) => (schema: Schema): Schema => {
  const { lines, ...properties } = schema['properties'] as Record<string, Schema>;
  return { ...schema, properties: { ...properties, lines: { ...lines, items: change(lines!['items'] as Schema) } } };
};
const field = (name: string, change: (node: Schema | undefined) => Schema | undefined) => (schema: Schema): Schema => {
  const { [name]: node, ...others } = schema['properties'] as Record<string, Schema>;
  const other = change(node);
  return { ...schema, properties: other === undefined ? others : { ...others, [name]: other } };
};

describe('who reads what', () => {
  it('is what running the readers shows today: else run tools/derive-contract-readers.mjs', async () => expect(await deriveContractReaders()).toEqual(CONTRACT_READERS));
  it('names every metric, and the tables of both the read model and the warehouse', () => {
    const names = new Set(CONTRACT_READERS.map(({ name }) => name));
    for (const { id } of METRICS) expect(names).toContain(`metric ${id}`);
    for (const table of ['analytics.order_fact', 'analytics.order_line_fact', 'analytics.hourly_sales', 'analytics.buyer', 'warehouse.order_line', 'warehouse.product_fact', 'warehouse.customer_fact']) expect(names).toContain(`table ${table}`);
  });
  it('is learned by watching: what is asked for counts, absent or not, and only as deep as it went', () => {
    const { data, pointers } = recording({ a: { b: 1, c: 2 }, list: [{ x: 1 }, { y: 2 }] });
    const seen = data as { a: { b: number }; list: { x?: number }[]; never?: unknown };
    expect([seen.a.b, ...seen.list.map(({ x }) => x), seen.never]).toEqual([1, 1, undefined, undefined]);
    expect(pointers()).toEqual(['/a/b', '/list/*/x', '/never']);
    expect(without({ list: [{ x: 1, y: 1 }] }, ['list', '*', 'x'])).toEqual({ list: [{ y: 1 }] });
  });
});

/** One planted break of each kind in real contracts, and somebody it must name. */
const PLANTED: readonly (readonly [string, () => readonly EventContract[], Partial<Finding>, readonly string[]])[] = [
  ['a billed line loses its quantity', () => changed('sales.order.placed', 2, inLines(field('quantity', () => undefined))), { rule: 'field-removed', pointer: '/lines/*/quantity' }, ['projection analytics/sales-facts', 'table analytics.hourly_sales', 'metric revenue.net', 'metric units', 'table warehouse.order_line', 'service analytics']],
  ['an old order must have a field it lacks', () => changed('sales.order.placed', 1, (schema) => ({ ...field('vat', () => ({ type: 'string', 'x-millrace-privacy': { kind: 'none' } }))(schema), required: [...schema['required'] as string[], 'vat'] })), { rule: 'field-required', pointer: '/vat' }, ['service analytics', 'service warehouse']],
  ['a country becomes two letters', () => changed('sales.order.placed', 2, field('country', (node) => ({ ...node, maxLength: 2 }))), { rule: 'range-narrowed', pointer: '/country' }, ['dimension country', 'table warehouse.order_line']],
  ['a kind of line is no longer one', () => changed('sales.order.placed', 2, inLines(field('kind', (node) => ({ ...node, enum: (node!['enum'] as string[]).filter((word) => word !== 'postage') })))), { rule: 'enum-narrowed', pointer: '/lines/*/kind' }, ['metric revenue.net']],
  ['a price becomes a number', () => changed('sales.order.placed', 2, inLines(field('unitPrice', (node) => ({ ...node, type: 'number' })))), { rule: 'type-changed', pointer: '/lines/*/unitPrice' }, ['metric revenue.gross', 'table warehouse.order_line']],
  ['a currency is spelled otherwise', () => changed('sales.order.placed', 2, field('currency', (node) => ({ ...node, pattern: '^[a-z]{3}$' }))), { rule: 'pattern-changed', pointer: '/currency' }, ['dimension currency']],
  ['a time is a day', () => changed('sales.order.placed', 2, inLines(field('placedAt', (node) => ({ ...node, format: 'date' })))), { rule: 'format-changed', pointer: '/lines/*/placedAt' }, ['dimension hour']],
  ['a name is sealed no more', () => changed('customer.profile.registered', 2, (schema) => field('contact', (contact) => field('name', (node) => ({ ...node, 'x-millrace-privacy': { kind: 'none' } }))(contact!))(schema)), { rule: 'privacy-changed', pointer: '/contact/name' }, ['reveal security/name']],
  ['in version 1, where it stood elsewhere, it is gone', () => changed('customer.profile.registered', 1, (schema) => field('customer', (customer) => field('name', () => undefined)(customer!))(schema)), { rule: 'field-removed', pointer: '/customer/name' }, ['reveal security/name']],
  ['a customer number means an e-mail address', () => changed('sales.order.placed', 2, (schema) => field('customer', (customer) => field('number', (node) => ({ ...node, 'x-millrace-privacy': { ...node!['x-millrace-privacy'] as object, identifier: 'email' } }))(customer!))(schema)), { rule: 'identifier-changed', pointer: '/customer/number' }, ['service analytics']],
  ['a reservation may lack its id', () => changed('inventory.stock.reserved', 1, (schema) => ({ ...schema, required: (schema['required'] as string[]).filter((name) => name !== 'reservationId') })), { rule: 'field-optional', pointer: '/reservationId' }, ['decider ingestion/stock']],
  ['a listing asks for more at once', () => changed('merchandise.product.listed', 1, (schema) => ({ ...schema, dependentRequired: { price: ['currency', 'name'] } })), { rule: 'condition-changed', pointer: '' }, ['table warehouse.product_fact']],
  ['a type is dropped', () => CONTRACTS.filter(({ type }) => type !== 'sales.refund.issued'), { rule: 'contract-removed', type: 'sales.refund.issued' }, ['service analytics']],
  ['orders are filed by their currency', () => CONTRACTS.map((contract) => (contract.type === 'sales.order.placed' ? { ...contract, streamId: () => 'GBP' } : contract)), { rule: 'stream-changed', type: 'sales.order.placed' }, ['metric orders']],
];

describe('a planted break is named, with what it would break', () => {
  it('and nothing is where none is planted', () => expect(findings(CONTRACTS)).toEqual([]));
  it.each(PLANTED)('%s', (_name, contracts, expected, breaks) => {
    const found = findings(contracts()).find(({ rule, pointer, type }) => rule === expected.rule && pointer === (expected.pointer ?? pointer) && type === (expected.type ?? type));
    expect(found).toMatchObject(expected);
    expect(found!.breaks).toEqual(expect.arrayContaining([...breaks]));
    expect(found!.says.length).toBeGreaterThan(20);
  });
  it('not with who does not read the field', () => {
    const [found] = findings(changed('sales.order.placed', 2, field('reservationId', () => undefined)));
    expect(found).toMatchObject({ rule: 'field-removed', breaks: ['service analytics', 'service warehouse'] });
  });
});
