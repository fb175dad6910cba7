import { ARCHIVED_LOG, ARCHIVED_THROUGH, LOGS, EVENTS_PER_LOG, type Owner } from './cosigned-logs.ts';
import { alterSegment, SEGMENT_WAYS, type SegmentWay } from './segment-alteration.ts';
import type { LogKey } from '@millrace/kernel';
import { randomOf } from '../chaos/random.ts';

/** All columns of the event's table: place, identity, stream and version, and what is stored. */
export const COLUMNS = ['tenant', 'context', 'shard', 'position', 'id', 'stream', 'stream_version', 'fingerprint', 'salt', 'leaf', 'envelope', 'data', 'data_digest'] as const;
export type Column = (typeof COLUMNS)[number];
export const KINDS = ['update', 'flip', 'swap', 'move', 'delete', 'cut', 'insert', 'segment'] as const;
export type Kind = (typeof KINDS)[number];

export interface Alteration {
  readonly kind: Kind;
  /** Whole rows have none; of a segment: what is done to its file. */
  readonly column: Column | 'row' | SegmentWay;
  /** The forger also recomputes leaf columns, tiles and checkpoints of every log, and signs with a key of his own. */
  readonly forged: boolean;
  readonly log: LogKey;
  readonly position: number;
  /** Of a swap: the other row. */
  readonly other: { readonly log: LogKey; readonly position: number };
}

/** What a kind can be done to. Only a file written anew can be forged. A row moves by what places it; data_digest is empty everywhere, so there is nothing to swap. */
const columnsOf = (kind: Kind, forged: boolean): readonly Alteration['column'][] => {
  if (kind === 'segment') return forged ? ['rewrite'] : SEGMENT_WAYS;
  if (kind === 'update' || kind === 'flip') return COLUMNS;
  if (kind === 'swap') return COLUMNS.filter((column) => column !== 'data_digest');
  return kind === 'move' ? ['tenant', 'context', 'shard', 'position'] : ['row'];
};

/** Evenly over kinds, over each kind's columns, and every third forged; the seed decides rows and values. */
export const drawAlterations = (count: number, seed: number): Alteration[] => {
  const random = randomOf('tamper', seed);
  const used = new Map<Kind, number>();
  return Array.from({ length: count }, (_, n) => {
    const kind = KINDS[n % KINDS.length]!;
    const forged = n % 3 === 2;
    const columns = columnsOf(kind, forged);
    const turn = used.get(kind) ?? 0;
    used.set(kind, turn + 1);
    const column = columns[turn % columns.length]!;
    const log = kind === 'segment' ? ARCHIVED_LOG : random.pick(LOGS);
    const position = random.between(2, kind === 'segment' ? ARCHIVED_THROUGH : EVENTS_PER_LOG - 1);
    const elsewhere = ['tenant', 'context', 'shard'].includes(column);
    const others = LOGS.filter((one) => elsewhere ? one[column as 'tenant' | 'context' | 'shard'] !== log[column as 'tenant' | 'context' | 'shard'] : one === log);
    const other = { log: random.pick(others.length > 0 ? others : LOGS.filter((one) => one !== log)), position: 1 + ((position + random.between(4, EVENTS_PER_LOG - 10)) % EVENTS_PER_LOG) };
    return { kind, column, forged, log, position, other };
  });
};

const where = (n: number): string => `tenant = $${n} and context = $${n + 1} and shard = $${n + 2} and position = $${n + 3}`;
const at = ({ log, position }: { log: LogKey; position: number }): unknown[] => [log.tenant, log.context, log.shard, position];

/** Another plausible value. */
const NEW_VALUE: Readonly<Record<Column, string>> = {
  tenant: "case tenant when 'shop' then 'other' else 'shop' end", context: "case context when 'sales' then 'customer' else 'sales' end", shard: 'shard + 1', position: 'position + 100000',
  id: "id || '-b'", stream: "stream || '-b'", stream_version: 'stream_version + 1', fingerprint: 'sha256(fingerprint)', salt: "substring(sha256(salt) for 16)", leaf: 'sha256(leaf)',
  envelope: "convert_to(replace(convert_from(envelope, 'UTF8'), '2026-11-24T10:00:00', '2026-11-24T11:00:00'), 'UTF8')",
  data: "convert_to(replace(convert_from(data, 'UTF8'), 'EUR', 'USD'), 'UTF8')", data_digest: 'sha256(salt || data)',
};

const flipBit = (column: Column): string => {
  if (column === 'shard' || column === 'position' || column === 'stream_version') return `${column} # 1`;
  if (column === 'tenant' || column === 'context' || column === 'id' || column === 'stream') return `overlay(${column} placing chr(ascii(substring(${column} from 2 for 1)) # 1) from 2 for 1)`;
  const bytes = column === 'data_digest' ? 'sha256(salt || data)' : column;
  return `set_bit(${bytes}, 13, 1 - get_bit(${bytes}, 13))`;
};

const isColumn = (column: Alteration['column']): column is Column => (COLUMNS as readonly string[]).includes(column);

/** What the owner of the tables, and of the folder of segments, does to them. */
export const alter = async (owner: Owner, segments: string, alteration: Alteration): Promise<void> => {
  const { kind, column, log, other } = alteration;
  const mine = at(alteration);
  if (kind === 'update' && isColumn(column)) await owner.run(`update millrace.event set ${column} = ${NEW_VALUE[column]} where ${where(1)}`, mine);
  if (kind === 'flip' && isColumn(column)) await owner.run(`update millrace.event set ${column} = ${flipBit(column)} where ${where(1)}`, mine);
  if (kind === 'swap') {
    await owner.run(`update millrace.event e set ${column} = o.${column} from millrace.event o
      where (${where(1).replaceAll(/(tenant|context|shard|position) =/g, 'e.$1 =')} and ${where(5).replaceAll(/(tenant|context|shard|position) =/g, 'o.$1 =')})
        or (${where(5).replaceAll(/(tenant|context|shard|position) =/g, 'e.$1 =')} and ${where(1).replaceAll(/(tenant|context|shard|position) =/g, 'o.$1 =')})`, [...mine, ...at(other)]);
  }
  if (kind === 'move') {
    const target = column === 'position' ? log : other.log;
    await owner.run(`update millrace.event e set tenant = $5, context = $6, shard = $7, position = (select max(position) + 1 from millrace.event where tenant = $5 and context = $6 and shard = $7) where ${where(1)}`, [...mine, target.tenant, target.context, target.shard]);
  }
  if (kind === 'delete') await owner.run(`delete from millrace.event where ${where(1)}`, mine);
  if (kind === 'cut') await owner.run('delete from millrace.event where tenant = $1 and context = $2 and shard = $3 and position >= $4', mine);
  if (kind === 'insert') await insert(owner, alteration);
  if (kind === 'segment') await alterSegment(owner, segments, alteration);
};

/** A row slipped in: with those after it moved up by the forger, twice at its place by others. */
const insert = async (owner: Owner, alteration: Alteration): Promise<void> => {
  const mine = at(alteration);
  if (alteration.forged) await owner.run('update millrace.event set position = position + 1 where tenant = $1 and context = $2 and shard = $3 and position >= $4', mine);
  await owner.run(`insert into millrace.event (tenant, context, shard, position, id, stream, stream_version, fingerprint, salt, leaf, envelope, data)
    select tenant, context, shard, $4, id || '-c', stream || '-c', 1, fingerprint, salt, leaf,
      convert_to(replace(replace(convert_from(envelope, 'UTF8'), '"' || id || '"', '"' || id || '-c"'), '"' || stream || '"', '"' || stream || '-c"'), 'UTF8'), data
    from millrace.event where tenant = $1 and context = $2 and shard = $3 and position = $5`, [...mine, alteration.other.position === alteration.position ? 1 : alteration.other.position]);
};
