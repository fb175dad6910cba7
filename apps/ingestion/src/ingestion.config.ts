import { availableParallelism } from 'node:os';
import { defineConfig, integer, setting, shared, type ConfigOf } from '@millrace/service-kit';

const { eventsUrl, segmentsDir, databaseUrl, natsUrl, natsSeedFile, xkeySeedFile, securityXkey } = shared;

/** What the thread that holds the connections can serve: it takes a third of the time per event that they take. */
const MOST_THREADS = 4;

export const ingestionConfig = defineConfig('ingestion', {
  eventsUrl, segmentsDir, databaseUrl, natsUrl, natsSeedFile, xkeySeedFile, securityXkey,
  // 48 MiB of bodies become about ten times as much while they are parsed: a third of the machine's 2 GB.
  maxInFlightBytes: setting('MILLRACE_INTAKE_MAX_IN_FLIGHT_BYTES', integer(4 * 1024 * 1024).default(48 * 1024 * 1024), 'bodies taken in at once; beyond it requests are answered 429'),
  maxInFlightRequests: setting('MILLRACE_INTAKE_MAX_IN_FLIGHT_REQUESTS', integer(1).default(512), 'requests taken in at once; beyond it they are answered 429'),
  threads: setting('MILLRACE_INTAKE_THREADS', integer(0, 64).default(Math.min(MOST_THREADS, availableParallelism())), 'threads that take in large requests; 0: all are taken in by the one that listens', { defaultText: 'as many as processors, 4 at most' }),
  // Some sixty events: below, sending a request to a thread and its answer back costs more than it frees.
  threadBytes: setting('MILLRACE_INTAKE_THREAD_BYTES', integer(0).default(32 * 1024), 'requests of this size and more are taken in on a thread'),
});
export type IngestionConfig = ConfigOf<typeof ingestionConfig>;
