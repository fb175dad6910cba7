import { DomainError, parseTenant, type Tenant } from '@millrace/kernel';
import type { DataKey, IdentifierValue, SubjectKeyProvider, SubjectKeys, SubjectQuestion } from '@millrace/privacy';
import type { Pool } from 'pg';
import { orUnavailable } from '../database-outage.ts';
import {
  anyTenantKey, insertDataKeys, insertLookups, insertSubjectKeys, selectDataKeys, selectDataKeysOfEpoch, selectLookups, selectSubjectKeys, tenantKeyOrInsert,
  type DataKeyRow, type SubjectKeyRow,
} from './key-rows.query.ts';
import { identifierMac, newKey, newReference, unwrapDataKey, unwrapLookupKey, unwrapSubjectKey, wrapDataKey, wrapLookupKey, wrapSubjectKey } from './key-wrapping.ts';
import { findSubjects, planSubjects, type NamedMac, type SubjectPlan } from './subject-plan.ts';

const DATABASE = 'key-database';
const FIRST_EPOCH = 1;
// Two callers meeting on the same new identifiers settle in one more round; more means that something else is wrong.
const ATTEMPTS = 5;
const FOREIGN_KEY_VIOLATION = '23503';

interface Wanted {
  readonly ref: string;
  readonly purposes: readonly string[];
}

/** What has to be written, all in one transaction or not at all. */
interface Writes {
  readonly subjects: readonly SubjectKeyRow[];
  readonly plan: SubjectPlan;
  readonly dataKeys: readonly DataKeyRow[];
}

const NOTHING_PLANNED: SubjectPlan = { refs: [], newRefs: [], newLookups: [] };

/**
 * Subjects and their keys, in the key database, wrapped by the root key. Keeps the port's promises under concurrency: an identifier has
 * one subject per tenant, whoever asks first. A subject, its look-ups and its keys are stored together or not at all. Errors: DomainError
 * `unavailable` (`key-database-unavailable`, `subjects-contended`, `key-not-openable`).
 */
export class KeyRing implements SubjectKeyProvider {
  readonly #pool: Pool;
  readonly #root: Uint8Array;
  // Tenants are few; their look-up keys live as long as the process.
  readonly #lookupKeys = new Map<Tenant, Promise<Buffer>>();

  constructor(pool: Pool, rootKey: Uint8Array) {
    this.#pool = pool;
    this.#root = rootKey;
  }

  /** Tries the root key on a stored key, so that a wrong one is found at start and not by the first customer. */
  async verifyRootKey(): Promise<void> {
    const stored = await orUnavailable(DATABASE, () => anyTenantKey(this.#pool));
    if (stored) unwrapLookupKey(this.#root, stored.wrapped, stored.tenant);
  }

  async resolve(tenant: Tenant, questions: readonly SubjectQuestion[]): Promise<SubjectKeys[]> {
    const names = await this.#namesOf(tenant, questions.map(({ identifiers }) => identifiers));
    return this.#settled(async () => {
      const known = await selectLookups(this.#pool, tenant, names.flat());
      const plan = planSubjects(names, known, newReference);
      const wanted = plan.refs.map((ref, index) => ({ ref, purposes: questions[index]!.purposes }));
      const keys = await this.#keysFor(tenant, wanted, plan);
      // A known subject without a row was erased in between: the next attempt no longer finds its look-up.
      return keys && wanted.every(({ ref }) => keys.has(ref)) ? wanted.map((each) => pick(each, keys.get(each.ref)!)) : undefined;
    });
  }

  async find(tenant: Tenant, identifiers: readonly (readonly IdentifierValue[])[], purposes: readonly string[]): Promise<(SubjectKeys | undefined)[]> {
    const names = await this.#namesOf(tenant, identifiers);
    const known = await orUnavailable(DATABASE, () => selectLookups(this.#pool, tenant, names.flat()));
    const refs = findSubjects(names, known);
    const found = (await this.keysOf(tenant, refs.filter((ref) => ref !== undefined), purposes)).values();
    return refs.map((ref) => (ref === undefined ? undefined : found.next().value));
  }

  async keysOf(tenant: Tenant, refs: readonly string[], purposes: readonly string[]): Promise<(SubjectKeys | undefined)[]> {
    const wanted = refs.map((ref) => ({ ref, purposes }));
    return this.#settled(async () => {
      const keys = await this.#keysFor(tenant, wanted, NOTHING_PLANNED);
      return keys && wanted.map((each) => (keys.has(each.ref) ? pick(each, keys.get(each.ref)!) : undefined));
    });
  }

  /** Keys of given epochs, by `ref|purpose|epoch`; a missing one was erased or never was. Makes nothing. */
  async keysOfEpoch(tenant: Tenant, wanted: readonly { ref: string; purpose: string; epoch: number }[]): Promise<ReadonlyMap<string, DataKey>> {
    const refs = [...new Set(wanted.map(({ ref }) => ref))];
    const [subjects, rows] = await orUnavailable(DATABASE, () => Promise.all([selectSubjectKeys(this.#pool, tenant, refs), selectDataKeysOfEpoch(this.#pool, tenant, wanted)]));
    const subjectKeys = this.#open(tenant, subjects);
    return new Map(rows.flatMap((row) => {
      const subjectKey = subjectKeys.get(row.ref);
      return subjectKey ? [[`${row.ref}|${row.purpose}|${row.epoch}`, openDataKey(tenant, subjectKey, row)] as const] : [];
    }));
  }

  /** Repeats `attempt` until it settles: undefined means that another caller was in the way. */
  async #settled<T>(attempt: () => Promise<T | undefined>): Promise<T> {
    for (let tries = 0; tries < ATTEMPTS; tries += 1) {
      const settled = await orUnavailable(DATABASE, attempt);
      if (settled !== undefined) return settled;
    }
    throw new DomainError('unavailable', 'subjects-contended', { attempts: ATTEMPTS }, 'Other callers keep changing the same subjects; try again shortly.');
  }

  /** Keys by reference and purpose, making those that are missing; undefined when another caller was in the way. */
  async #keysFor(tenant: Tenant, wanted: readonly Wanted[], plan: SubjectPlan): Promise<Map<string, Map<string, DataKey>> | undefined> {
    const made = new Set(plan.newRefs);
    const refs = [...new Set(wanted.map(({ ref }) => ref))];
    const known = refs.filter((ref) => !made.has(ref));
    const purposes = [...new Set(wanted.flatMap((each) => each.purposes))];
    const [subjects, rows] = known.length === 0 ? [[], []] : await Promise.all([selectSubjectKeys(this.#pool, tenant, known), selectDataKeys(this.#pool, tenant, known, purposes)]);
    const subjectKeys = this.#open(tenant, subjects);
    const newSubjects = plan.newRefs.map((ref) => {
      const key = newKey();
      subjectKeys.set(ref, key);
      return { ref, wrapped: wrapSubjectKey(this.#root, key, { tenant, ref }) };
    });
    const keys = new Map([...subjectKeys.keys()].map((ref) => [ref, new Map<string, DataKey>()]));
    for (const row of rows) {
      const subjectKey = subjectKeys.get(row.ref);
      if (subjectKey) keys.get(row.ref)!.set(row.purpose, openDataKey(tenant, subjectKey, row));
    }
    const dataKeys = makeMissing(tenant, wanted, subjectKeys, keys);
    return await this.#write(tenant, { subjects: newSubjects, plan, dataKeys }) ? keys : undefined;
  }

  async #write(tenant: Tenant, { subjects, plan, dataKeys }: Writes): Promise<boolean> {
    if (subjects.length + plan.newLookups.length + dataKeys.length === 0) return true;
    const client = await this.#pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('begin');
      if (subjects.length > 0) await insertSubjectKeys(client, tenant, subjects);
      const first = (plan.newLookups.length === 0 || await insertLookups(client, tenant, plan.newLookups) === plan.newLookups.length)
        && (dataKeys.length === 0 || await insertDataKeys(client, tenant, dataKeys) === dataKeys.length);
      await client.query(first ? 'commit' : 'rollback');
      return first;
    } catch (error) {
      // Closed, not reused: the server rolls back with the connection, whatever state it was in.
      broken = error as Error;
      if ((error as { code?: unknown }).code === FOREIGN_KEY_VIOLATION) return false;
      throw error;
    } finally {
      client.release(broken);
    }
  }

  #open(tenant: Tenant, rows: readonly SubjectKeyRow[]): Map<string, Buffer> {
    return new Map(rows.map(({ ref, wrapped }) => [ref, unwrapSubjectKey(this.#root, wrapped, { tenant, ref })]));
  }

  async #namesOf(tenant: Tenant, questions: readonly (readonly IdentifierValue[])[]): Promise<NamedMac[][]> {
    const key = await this.#lookupKey(parseTenant(tenant));
    return questions.map((identifiers) => identifiers.map((identifier) => ({ kind: identifier.kind, mac: identifierMac(key, identifier) })));
  }

  #lookupKey(tenant: Tenant): Promise<Buffer> {
    let key = this.#lookupKeys.get(tenant);
    if (!key) {
      key = orUnavailable(DATABASE, async () => unwrapLookupKey(this.#root, await tenantKeyOrInsert(this.#pool, tenant, wrapLookupKey(this.#root, newKey(), tenant)), tenant));
      this.#lookupKeys.set(tenant, key);
      // A failure must not be remembered: the database comes back.
      key.catch(() => this.#lookupKeys.delete(tenant));
    }
    return key;
  }
}

const openDataKey = (tenant: Tenant, subjectKey: Uint8Array, { ref, purpose, epoch, wrapped }: DataKeyRow): DataKey =>
  ({ purpose, epoch, key: unwrapDataKey(subjectKey, wrapped, { tenant, ref, purpose, epoch }) });

/** Adds a fresh key to `keys` for each purpose wanted and not there; rows come sorted, against deadlocks. */
const makeMissing = (tenant: Tenant, wanted: readonly Wanted[], subjectKeys: ReadonlyMap<string, Uint8Array>, keys: ReadonlyMap<string, Map<string, DataKey>>): DataKeyRow[] => {
  const rows: DataKeyRow[] = [];
  for (const { ref, purposes } of wanted) {
    const [subjectKey, held] = [subjectKeys.get(ref), keys.get(ref)];
    if (!subjectKey || !held) continue;
    for (const purpose of purposes) {
      if (held.has(purpose)) continue;
      const made = { purpose, epoch: FIRST_EPOCH, key: newKey() };
      held.set(purpose, made);
      rows.push({ ref, purpose, epoch: FIRST_EPOCH, wrapped: wrapDataKey(subjectKey, made.key, { tenant, ref, purpose, epoch: FIRST_EPOCH }) });
    }
  }
  return rows.toSorted((a, b) => (`${a.ref}|${a.purpose}` < `${b.ref}|${b.purpose}` ? -1 : 1));
};

const pick = ({ ref, purposes }: Wanted, held: ReadonlyMap<string, DataKey>): SubjectKeys =>
  ({ ref, keys: new Map(purposes.map((purpose) => [purpose, held.get(purpose)!])) });
