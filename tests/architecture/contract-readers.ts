import { resolve } from 'node:path';
import { CONTRACTS, newestContract, type ContractReader, type EventContract, type EventData } from '@millrace/contracts';
import type { ProjectedEvent, Projection } from '@millrace/event-sourcing';
import type { StoredEvent } from '@millrace/kernel';
import { readServiceManifests } from '@millrace/service-kit';
import type { EntityManager } from 'typeorm';
import { DIMENSIONS } from '../../apps/analytics/src/metrics/dimension.model.ts';
import { METRICS } from '../../apps/analytics/src/metrics/metric.model.ts';
import { salesFactOf } from '../../apps/analytics/src/sales/sales-facts.projection.ts';
import { salesFacts } from '../../apps/analytics/src/sales/sales-facts.ts';
import { stockDecider, type StockEvent } from '../../apps/ingestion/src/inventory/stock.decider.ts';
import { PROFILE, REVEALABLE } from '../../apps/security/src/reveal/reveal.ts';
import { feedsStar, starRowsOf } from '../../apps/warehouse/src/star/star.projection.ts';
import { STAR_TABLES } from '../../apps/warehouse/src/star/star-tables.ts';
import { completeExample } from '../../libs/contracts/src/testing.ts';

/** A copy of `data` that notes the pointer of every property asked for, `*` for every element; asking for what isn't there counts. */
export const recording = (data: EventData): { readonly data: EventData; readonly pointers: () => readonly string[] } => {
  const seen = new Set<string>();
  const watched = (node: object, at: string): object => new Proxy(node, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof name === 'symbol' || (Array.isArray(target) && !/^\d+$/.test(name))) return value;
      const pointer = `${at}/${Array.isArray(target) ? '*' : name}`;
      if (!Array.isArray(target)) seen.add(pointer);
      return typeof value === 'object' && value !== null ? watched(value, pointer) : value;
    },
  });
  // Whoever reads a field below another was only on the way there.
  return { data: watched(data, '') as EventData, pointers: () => [...seen].filter((pointer) => ![...seen].some((other) => other.startsWith(`${pointer}/`))).toSorted() };
};

/** `data` without what stands at a pointer. */
export const without = (node: unknown, [name, ...rest]: readonly string[]): unknown => {
  if (Array.isArray(node)) return node.map((element) => without(element, rest));
  if (typeof node !== 'object' || node === null || name === undefined || !Object.hasOwn(node, name)) return node;
  const { [name]: value, ...others } = node as Record<string, unknown>;
  return rest.length === 0 ? others : { ...others, [name]: without(value, rest) };
};

const storedOf = ({ type, version, context }: EventContract): StoredEvent => {
  const at = '2026-01-15T10:00:00.000Z';
  const envelope = { specversion: '1.0' as const, id: 'e', source: 's', type, version, tenant: 't', stream: 's', time: at, receivedtime: at, recordedtime: at, via: 'v', fingerprint: '' };
  const none = new Uint8Array();
  return { log: { tenant: 't', context, shard: 0 }, epoch: 1, position: 1, streamVersion: 1, envelope, envelopeBytes: none, data: none, salt: none, leaf: none };
};

/** What a projection reads of an event, and the tables its statements write: it is run, on a connection that only listens. */
const observe = async <Tx extends EntityManager>(projection: Projection<Tx>, contract: EventContract): Promise<{ pointers: readonly string[]; tables: readonly string[] }> => {
  const { data, pointers } = recording(completeExample(contract));
  const tables = new Set<string>();
  const listening = { query: async (text: string) => { for (const [, table] of text.matchAll(/(?:insert into|update|delete from)\s+([a-z_]+)/g)) tables.add(table!); return []; } };
  await projection.apply(listening as never, [{ stored: storedOf(contract), data } satisfies ProjectedEvent]);
  tables.delete('set');
  return { pointers: pointers(), tables: [...tables] };
};

const columnOf = (property: string): string => property.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Columns of the sales facts that come out otherwise without a field; undefined when the event can't be read then and is parked. */
const columnsOf = (contract: EventContract, pointer: string): ReadonlySet<string> | undefined => {
  const [example, stored] = [completeExample(contract), storedOf(contract)];
  const columns = (data: EventData) => Object.entries(salesFactOf(stored, data) ?? {}).map(([name, value]) => [columnOf(name), JSON.stringify(value)] as const);
  try {
    const changed = new Map(columns(without(example, pointer.slice(1).split('/')) as EventData));
    return new Set(columns(example).filter(([name, value]) => changed.get(name) !== value).map(([name]) => name));
  } catch {
    return undefined;
  }
};

const mentions = (sql: string, columns: ReadonlySet<string>): boolean => [...sql.matchAll(/\bf\.([a-z_]+)/g)].some(([, column]) => columns.has(column!));

/** A metric is reached by a field when its fragments name a column made of it, or when events without the field could not be read at all. */
const metricReaders = (contract: EventContract, pointers: readonly string[]): ContractReader[] => {
  const effects = pointers.map((pointer) => ({ pointer, columns: columnsOf(contract, pointer) }));
  const reaching = (sql: string) => effects.filter(({ columns }) => columns === undefined || mentions(sql, columns)).map(({ pointer }) => pointer);
  const metrics = METRICS.filter(({ contexts }) => contexts.includes(contract.context)).map(({ id, only, value, contribution }) => ({ name: `metric ${id}`, pointers: reaching(`${only} ${value} ${contribution}`) }));
  const dimensions = Object.entries(DIMENSIONS).map(([id, { group }]) => ({ name: `dimension ${id}`, pointers: reaching(group) }));
  return [...metrics, ...dimensions].map((reader) => ({ ...reader, type: contract.type }));
};

const analyticsReaders = async (contract: EventContract): Promise<ContractReader[]> => {
  if (!salesFacts.types.includes(contract.type)) return [];
  const { pointers, tables } = await observe(salesFacts, contract);
  const { type } = contract;
  return [{ name: `projection analytics/${salesFacts.name}`, type, pointers }, ...tables.map((table) => ({ name: `table analytics.${table}`, type, pointers })), ...metricReaders(contract, pointers)];
};

const starReaders = (contract: EventContract): ContractReader[] => {
  const { type, context } = contract;
  if (!feedsStar(type)) return [];
  const { data, pointers } = recording(completeExample(contract));
  starRowsOf(storedOf(contract), data);
  return [{ name: 'projection warehouse/star', type, pointers: pointers() }, ...STAR_TABLES.filter((table) => table.context === context).map(({ name }) => ({ name: `table warehouse.${name}`, type, pointers: pointers() }))];
};

const deciderReaders = ({ type, version, ...contract }: EventContract): ContractReader[] => {
  const { data, pointers } = recording(completeExample({ type, version, ...contract }));
  const open = { onHand: 10, promised: 0, reservations: new Map() };
  // The decider's own switch says which types it takes; the others come back as undefined.
  const after = stockDecider.evolve(open, { type, version, data } as StockEvent) as unknown;
  return after === undefined ? [] : [{ name: 'decider ingestion/stock', type, pointers: pointers() }];
};

const revealReaders = ({ type, protectedFields }: EventContract): ContractReader[] => (type !== PROFILE ? [] : REVEALABLE.map((field) => (
  { name: `reveal security/${field}`, type, pointers: protectedFields.filter(({ annotation }) => annotation.category === field).map(({ pointer }) => pointer) })));

/**
 * Who reads what of every type, found out by running the readers themselves on a complete example of the type's newest version. Whoever adds
 * a reader adds it here; a service whose manifest reads a context is named by that alone.
 */
export const deriveContractReaders = async (): Promise<readonly ContractReader[]> => {
  const manifests = readServiceManifests(resolve(import.meta.dirname, '../../apps'));
  const newest = [...new Set(CONTRACTS.map(({ type }) => type))].toSorted().map((type) => newestContract(type)!);
  const perType = await Promise.all(newest.map(async (contract) => [
    ...await analyticsReaders(contract), ...starReaders(contract), ...deciderReaders(contract), ...revealReaders(contract),
    ...manifests.filter(({ reads }) => reads.includes(contract.context)).map(({ service }) => ({ name: `service ${service}`, type: contract.type, pointers: [''] })),
  ]));
  return perType.flat().filter(({ pointers }) => pointers.length > 0);
};
