import { addDecimal, formatDecimal, parseDecimal, type Decimal, type DecimalText } from '@millrace/kernel';
import type { ProjectedEvent, VersionedProjection } from './projection.ts';
import type { Sql } from './sql.ts';

/** What one event adds to the totals of one key: values in the order of the definition's columns. */
export interface TotalsPart {
  readonly key: readonly string[];
  readonly add: readonly DecimalText[];
}

export interface TotalsDefinition {
  readonly name: string;
  readonly version: number;
  readonly contexts: readonly string[];
  readonly table: string;
  /** Text columns, together the primary key. */
  readonly key: readonly string[];
  /** Exact decimals (`numeric`), added up. */
  readonly sums: readonly string[];
  readonly on: Readonly<Record<string, (event: ProjectedEvent) => readonly TotalsPart[]>>;
  readonly replayLanes?: number;
}

const column = (name: string): string => {
  if (/^[a-z][a-z0-9_]{0,62}$/.test(name)) return name;
  throw new Error(`A table or column of totals is named with a-z, 0-9 and _; got ${JSON.stringify(name)}.`);
};

interface Total { readonly key: readonly string[]; sums: Decimal[] }

/** The parts of all events folded by key, in the order of the keys: transactions side by side then take rows in one order. */
const foldParts = ({ on }: TotalsDefinition, events: readonly ProjectedEvent[]): Total[] => {
  const totals = new Map<string, Total>();
  for (const event of events) {
    for (const { key, add } of on[event.stored.envelope.type]?.(event) ?? []) {
      const id = key.length === 1 ? key[0] ?? '' : JSON.stringify(key);
      const total = totals.get(id);
      if (total) add.forEach((value, index) => { total.sums[index] = addDecimal(total.sums[index] ?? parseDecimal('0'), parseDecimal(value)); });
      else totals.set(id, { key, sums: add.map(parseDecimal) });
    }
  }
  return [...totals].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, total]) => total);
};

/**
 * Totals per key: a batch is folded in memory and takes one set-based upsert, so a key that comes a thousand times in it is written once. Sums of exact
 * decimals come out the same in any order: several logs, lanes and cuts of batches all give one result.
 */
export const totalsProjection = (definition: TotalsDefinition): VersionedProjection<Sql> => {
  const [table, key, sums] = [column(definition.table), definition.key.map(column), definition.sums.map(column)];
  const upsert = `insert into ${table} as t (${[...key, ...sums].join(', ')})
    select * from unnest(${[...key.map((_, index) => `$${index + 1}::text[]`), ...sums.map((_, index) => `$${key.length + index + 1}::numeric[]`)].join(', ')})
    on conflict (${key.join(', ')}) do update set ${sums.map((name) => `${name} = t.${name} + excluded.${name}`).join(', ')}`;
  return {
    name: definition.name, version: definition.version, contexts: definition.contexts, types: Object.keys(definition.on),
    ...(definition.replayLanes === undefined ? {} : { replayLanes: definition.replayLanes }),
    tables: [`create table ${table} (${key.map((name) => `${name} text not null`).join(', ')}, ${sums.map((name) => `${name} numeric not null`).join(', ')}, primary key (${key.join(', ')})) with (fillfactor = 80)`],
    async apply(tx, events) {
      const totals = foldParts(definition, events);
      if (totals.length === 0) return;
      await tx.query(upsert, [...key.map((_, index) => totals.map((total) => total.key[index])), ...sums.map((_, index) => totals.map((total) => formatDecimal(total.sums[index] ?? parseDecimal('0'))))]);
    },
  };
};
