import { readActiveBuilds } from '@millrace/event-sourcing';
import { DomainError } from '@millrace/kernel';
import { DataSource, type DataSourceOptions, type EntityManager } from 'typeorm';
import { ConsumerCheckpoint } from './checkpoint/consumer-checkpoint.entity.ts';
import { DiscardedEvent } from './checkpoint/discarded-event.entity.ts';
import { ParkedEventRow } from './checkpoint/parked-event.entity.ts';
import { ProjectionBuildRow } from './checkpoint/projection-build.entity.ts';
import { ReplayLane } from './checkpoint/replay-lane.entity.ts';
import { SalesFacts1763900000000 } from './migrations/1763900000000-sales-facts.migration.ts';
import { ProjectionBuilds1764000000000 } from './migrations/1764000000000-projection-builds.migration.ts';
import { AdjustmentReasons1764100000000 } from './migrations/1764100000000-adjustment-reasons.migration.ts';
import { Buyer } from './sales/buyer.entity.ts';
import { HourlySales } from './sales/hourly-sales.entity.ts';
import { OrderFact } from './sales/order-fact.entity.ts';
import { OrderLineFact } from './sales/order-line-fact.entity.ts';

/** Enough for two cores: more questions at once would only slow each other down. */
const MOST_QUESTIONS = 4;
/** One per log that is being applied at the same moment. */
const MOST_WRITERS = 4;
/** A switch, its catching up and a comparison hold one each; the rest are lanes of replays. */
const MOST_ASIDE = 8;

/** The tables of every build of the sales facts, in a schema of its own. */
export const SALES_ENTITIES = [OrderFact, OrderLineFact, HourlySales, Buyer];

/**
 * Of questions alone: a consumer's batch, a build and a migration take what they take. A connection that is not there, or not free, in ten
 * seconds is an error. The statement's bound is above what `readSnapshot` allows its own, so that it only meets one beside it; the answer's
 * is for a server that hangs and ends nothing.
 */
const BOUNDED = { connectionTimeoutMillis: 10_000, statement_timeout: 35_000, query_timeout: 40_000 };

const databaseOptions = (url: string, max: number, bounds: Partial<typeof BOUNDED> = {}): DataSourceOptions => ({
  type: 'postgres', url,
  entities: [ConsumerCheckpoint, ParkedEventRow, ProjectionBuildRow, ReplayLane, DiscardedEvent],
  migrations: [SalesFacts1763900000000, ProjectionBuilds1764000000000, AdjustmentReasons1764100000000],
  synchronize: false, migrationsRun: false, logging: false, installExtensions: false, uuidExtension: 'pgcrypto',
  applicationName: 'analytics',
  // JIT costs more than it saves on queries of some hundred milliseconds.
  extra: { max, options: '-c jit=off', ...bounds },
});

/** Opens the read-model database and brings its tables up to date. */
export const openAnalyticsDatabase = async (url: string): Promise<DataSource> => {
  const database = await new DataSource(databaseOptions(url, MOST_WRITERS)).initialize();
  await database.runMigrations({ transaction: 'all' });
  return database;
};

/** Connections for questions only. */
export const openQuestions = (url: string): Promise<DataSource> => new DataSource(databaseOptions(url, MOST_QUESTIONS, BOUNDED)).initialize();

/** Connections for rebuilds, comparisons and switches: they never wait for those of the consumer, nor it for theirs. */
export const openAside = (url: string): Promise<DataSource> => new DataSource(databaseOptions(url, MOST_ASIDE)).initialize();

/** A question may scan half a million lines, never longer than this. */
const STATEMENT_TIMEOUT = `set local statement_timeout = '30s'`;
const QUERY_CANCELED = '57014';

/** Words of pg and its pool, which have no code: no connection in time, and no answer. */
const UNANSWERED = /^(timeout exceeded when trying to connect|Connection terminated due to connection timeout|Query read timeout)$/;

const tooSlow = (error: unknown): unknown => {
  if (error instanceof Error && UNANSWERED.test(error.message)) return new DomainError('unavailable', 'read-models-unanswered', {}, 'The database of the read models does not answer, or all its connections are taken. Ask again in a moment.');
  return error instanceof Error && 'code' in error && error.code === QUERY_CANCELED
    ? new DomainError('unavailable', 'question-too-slow', {}, 'The question took longer than 30 seconds. Narrow it with from, to or where, or ask again when there is less to do.')
    : error;
};

/** Runs `work` over one snapshot of the active builds, so that rows and the as-of vector read in it belong together. */
export const readSnapshot = async <T>(database: DataSource, work: (manager: EntityManager) => Promise<T>): Promise<T> => {
  try {
    return await database.transaction('REPEATABLE READ', async (manager) => {
      await manager.query('set transaction read only');
      await readActiveBuilds(manager);
      await manager.query(STATEMENT_TIMEOUT);
      return work(manager);
    });
  } catch (error) {
    throw tooSlow(error);
  }
};
