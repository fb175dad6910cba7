import { hash, randomBytes } from 'node:crypto';
import { isContext, type Clock } from '@millrace/kernel';
import type { SourceGrant } from '@millrace/intake';
import { HttpProblem } from '@millrace/service-kit';
import { DomainError } from '@millrace/kernel';
import { QueryFailedError, type DataSource, type Repository } from 'typeorm';
import { within, withSourceDatabase } from '../database-outage.ts';
import { SourceKey } from './source-key.entity.ts';
import type { IssuedSource, ListedSource, SourceWish } from './source.model.ts';

const KEY = /^msk_[A-Za-z0-9_-]{43}$/;
/** How long a revocation made by another process may go unseen. */
const FRESH_MS = 5_000;
/** Keys seen lately stay good this long while the database is away, so that a short outage of it stops no events. */
const STALE_MS = 10 * 60_000;
/** A request waits this long for the database, refused, slow or hanging; then it is an outage, and keys seen lately answer. */
const LOOK_UP_MS = 2_000;
const MAX_CACHED = 10_000;
const UNIQUE_VIOLATION = '23505';

interface Cached {
  readonly row: SourceKey;
  readonly readAt: number;
}

const sha256 = (key: string): Buffer => hash('sha256', key, 'buffer');

const grantOf = (row: SourceKey): SourceGrant => ({
  tenant: row.tenant, name: row.name, recordOf: row.recordOf.filter(isContext),
  ...(row.types === null ? {} : { types: row.types }),
  ...(row.earliest === null ? {} : { earliest: row.earliest.toISOString() }),
  ...(row.latestAheadMs === null ? {} : { latestAheadMs: row.latestAheadMs }),
});

const unknown = (): HttpProblem => new HttpProblem(401, 'source-key-unknown', 'Expected "Authorization: Bearer msk_…" with the key of a source. Make one with `millrace source add <name>`.');

/** Source keys: issued, listed, revoked, and looked up for every request through a cache that outlives a short outage. */
export class SourceKeys {
  private readonly cache = new Map<string, Cached>();
  private readonly rows: Repository<SourceKey>;

  constructor(database: DataSource, private readonly clock: Clock) {
    this.rows = database.getRepository(SourceKey);
  }

  /**
   * The grant behind an `Authorization` header. HttpProblem 401 (`source-key-unknown`); DomainError `forbidden` (`source-key-revoked`),
   * `unavailable` (`sources-unavailable`) when the database is away and the key was not seen lately.
   */
  async grantOf(authorization: string | undefined): Promise<SourceGrant> {
    const [scheme = '', key = '', rest] = (authorization ?? '').split(' ');
    if (scheme.toLowerCase() !== 'bearer' || rest !== undefined || !KEY.test(key)) throw unknown();
    const row = await this.rowOf(sha256(key));
    if (!row) throw unknown();
    if (row.revokedAt) throw new DomainError('forbidden', 'source-key-revoked', { source: row.name }, 'The source key has been revoked. Use the source\'s present key, or make a new one with `millrace source add`.');
    return grantOf(row);
  }

  /** Makes a source and answers its key, the only time it is seen. DomainError `conflict` (`source-exists`) while another key of the name is active. */
  async issue(wish: SourceWish): Promise<IssuedSource> {
    const key = `msk_${randomBytes(32).toString('base64url')}`;
    const { tenant, name } = wish;
    try {
      await withSourceDatabase(() => this.rows.insert({
        keyHash: sha256(key), tenant, name, types: wish.types ?? null, recordOf: wish.recordOf ?? [],
        earliest: wish.earliest === undefined ? null : new Date(wish.earliest), latestAheadMs: wish.latestAheadMs ?? null, createdAt: this.clock.now(), revokedAt: null,
      }));
    } catch (error) {
      if (!(error instanceof QueryFailedError) || !('code' in error) || error.code !== UNIQUE_VIOLATION) throw error;
      throw new DomainError('conflict', 'source-exists', { tenant, source: name }, `Tenant ${tenant} has a source ${name} already. Revoke it first, or choose another name.`);
    }
    return { tenant, name, key };
  }

  /** All keys of a tenant, revoked ones too, oldest first. */
  async list(tenant: string): Promise<ListedSource[]> {
    const rows = await withSourceDatabase(() => this.rows.find({ where: { tenant }, order: { createdAt: 'ASC', name: 'ASC' } }));
    return rows.map(({ name, types, recordOf, earliest, latestAheadMs, createdAt, revokedAt }) => ({
      tenant, name, types, recordOf, latestAheadMs, earliest: earliest?.toISOString() ?? null, createdAt: createdAt.toISOString(), revokedAt: revokedAt?.toISOString() ?? null,
    }));
  }

  /** From now on in this process, within seconds in others. DomainError `not-found` (`source-unknown`) when no active key has the name. */
  async revoke(tenant: string, name: string): Promise<void> {
    const { affected } = await withSourceDatabase(() => this.rows.createQueryBuilder().update().set({ revokedAt: this.clock.now() })
      .where('tenant = :tenant and name = :name and revoked_at is null', { tenant, name }).execute());
    for (const [id, { row }] of this.cache) if (row.tenant === tenant && row.name === name) this.cache.delete(id);
    if (affected === 0) throw new DomainError('not-found', 'source-unknown', { tenant, source: name.slice(0, 64) }, 'The tenant has no active source of this name. See `millrace source list`.');
  }

  private async rowOf(keyHash: Buffer): Promise<SourceKey | undefined> {
    const id = keyHash.toString('base64url');
    const cached = this.cache.get(id);
    const now = this.clock.now().getTime();
    if (cached && now - cached.readAt < FRESH_MS) return cached.row;
    try {
      const row = await withSourceDatabase(() => within(LOOK_UP_MS, this.rows.findOneBy({ keyHash })));
      this.cache.delete(id);
      if (row) this.remember(id, { row, readAt: now });
      return row ?? undefined;
    } catch (error) {
      if (cached && now - cached.readAt < STALE_MS && error instanceof DomainError && error.kind === 'unavailable') return cached.row;
      throw error;
    }
  }

  private remember(id: string, entry: Cached): void {
    const [oldest] = this.cache.keys();
    if (this.cache.size >= MAX_CACHED && oldest !== undefined) this.cache.delete(oldest);
    this.cache.set(id, entry);
  }
}
