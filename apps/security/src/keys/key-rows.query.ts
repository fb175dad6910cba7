import type { ClientBase, Pool } from 'pg';
import type { Lookup, NamedMac } from './subject-plan.ts';

// Every statement takes whole batches as arrays: hundreds of subjects cost a handful of round trips.

export type Db = Pool | ClientBase;

export interface SubjectKeyRow {
  readonly ref: string;
  readonly wrapped: Buffer;
}
export interface DataKeyRow extends SubjectKeyRow {
  readonly purpose: string;
  readonly epoch: number;
}

/** Which of these identifiers have a subject. */
export const selectLookups = async (db: Db, tenant: string, names: readonly NamedMac[]): Promise<Lookup[]> => {
  const { rows } = await db.query<Lookup>({
    name: 'select-lookups',
    text: `select l.kind, l.mac, l.ref from unnest($2::text[], $3::bytea[]) as wanted(kind, mac)
           join identity_lookup l on l.tenant = $1 and l.kind = wanted.kind and l.mac = wanted.mac`,
    values: [tenant, names.map(({ kind }) => kind), names.map(({ mac }) => mac)],
  });
  return rows;
};

export const selectSubjectKeys = async (db: Db, tenant: string, refs: readonly string[]): Promise<SubjectKeyRow[]> => {
  const { rows } = await db.query<SubjectKeyRow>({
    name: 'select-subject-keys',
    text: 'select ref, wrapped from subject_key where tenant = $1 and ref = any($2::text[])',
    values: [tenant, refs],
  });
  return rows;
};

/** The newest epoch of each purpose. */
export const selectDataKeys = async (db: Db, tenant: string, refs: readonly string[], purposes: readonly string[]): Promise<DataKeyRow[]> => {
  const { rows } = await db.query<DataKeyRow>({
    name: 'select-data-keys',
    text: `select distinct on (ref, purpose) ref, purpose, epoch, wrapped from data_key
           where tenant = $1 and ref = any($2::text[]) and purpose = any($3::text[]) order by ref, purpose, epoch desc`,
    values: [tenant, refs, purposes],
  });
  return rows;
};

/** Keys of exactly these epochs, to open what was sealed with them. */
export const selectDataKeysOfEpoch = async (db: Db, tenant: string, wanted: readonly { ref: string; purpose: string; epoch: number }[]): Promise<DataKeyRow[]> => {
  const { rows } = await db.query<DataKeyRow>({
    name: 'select-data-keys-of-epoch',
    text: `select d.ref, d.purpose, d.epoch, d.wrapped from unnest($2::text[], $3::text[], $4::int[]) as wanted(ref, purpose, epoch)
           join data_key d on d.tenant = $1 and d.ref = wanted.ref and d.purpose = wanted.purpose and d.epoch = wanted.epoch`,
    values: [tenant, wanted.map(({ ref }) => ref), wanted.map(({ purpose }) => purpose), wanted.map(({ epoch }) => epoch)],
  });
  return rows;
};

export const insertSubjectKeys = async (db: Db, tenant: string, rows: readonly SubjectKeyRow[]): Promise<void> => {
  await db.query({
    name: 'insert-subject-keys',
    text: 'insert into subject_key (tenant, ref, wrapped) select $1, * from unnest($2::text[], $3::bytea[])',
    values: [tenant, rows.map(({ ref }) => ref), rows.map(({ wrapped }) => wrapped)],
  });
};

/** How many were stored: fewer than given means that another transaction was first. Waits for such a one to end. */
export const insertLookups = async (db: Db, tenant: string, lookups: readonly Lookup[]): Promise<number> => {
  const { rowCount } = await db.query({
    name: 'insert-lookups',
    text: 'insert into identity_lookup (tenant, kind, mac, ref) select $1, * from unnest($2::text[], $3::bytea[], $4::text[]) on conflict do nothing',
    values: [tenant, lookups.map(({ kind }) => kind), lookups.map(({ mac }) => mac), lookups.map(({ ref }) => ref)],
  });
  return rowCount ?? 0;
};

/** How many were stored; see insertLookups. */
export const insertDataKeys = async (db: Db, tenant: string, rows: readonly DataKeyRow[]): Promise<number> => {
  const { rowCount } = await db.query({
    name: 'insert-data-keys',
    text: 'insert into data_key (tenant, ref, purpose, epoch, wrapped) select $1, * from unnest($2::text[], $3::text[], $4::int[], $5::bytea[]) on conflict do nothing',
    values: [tenant, rows.map(({ ref }) => ref), rows.map(({ purpose }) => purpose), rows.map(({ epoch }) => epoch), rows.map(({ wrapped }) => wrapped)],
  });
  return rowCount ?? 0;
};

/** The tenant's wrapped look-up key; `candidate` becomes it when there is none yet. Of several callers at once all get the same. */
export const tenantKeyOrInsert = async (db: Db, tenant: string, candidate: Buffer): Promise<Buffer> => {
  const select = { name: 'select-tenant-key', text: 'select wrapped from tenant_key where tenant = $1', values: [tenant] };
  const found = await db.query<{ wrapped: Buffer }>(select);
  if (found.rows[0]) return found.rows[0].wrapped;
  await db.query('insert into tenant_key (tenant, wrapped) values ($1, $2) on conflict do nothing', [tenant, candidate]);
  return (await db.query<{ wrapped: Buffer }>(select)).rows[0]!.wrapped;
};

/** One stored tenant key, if any: what a root key is tried on. */
export const anyTenantKey = async (db: Db): Promise<{ tenant: string; wrapped: Buffer } | undefined> =>
  (await db.query<{ tenant: string; wrapped: Buffer }>('select tenant, wrapped from tenant_key order by tenant limit 1')).rows[0];
