import type { PgEventStore } from '@millrace/event-store';
import type { Delivery, EventRequest, IntakeReport } from '@millrace/intake';
import { DomainError } from '@millrace/kernel';
import { DEFAULT_KEY_CACHE, type SubjectKeyProvider } from '@millrace/privacy';
import { Piscina } from 'piscina';
import { intakeCalls, type ThreadHello, type ThreadSettings, type ThreadTask } from './intake-calls.ts';
import { answerCalls, unsettle, type Settled } from './thread-calls.ts';

/** Requests a thread has in hand at most: while one waits for its commit, the next is checked and sealed. */
const REQUESTS_PER_THREAD = 64;
/** A thread holds its contracts and keys, some 45 MB and more: one that has nothing to do for so long is ended. A new one takes half a second. */
const IDLE_MS = 60_000;

/** The thread's file beside this one, and what it takes to run it: from source, as specs and benchmarks do, the loader they use. */
const FROM_SOURCE = import.meta.url.endsWith('.ts');
const THREAD = new URL(`./intake-thread${FROM_SOURCE ? '.ts' : '.js'}`, import.meta.url).href;
const EXEC_ARGV = FROM_SOURCE ? ['--conditions=source', '--disable-warning=ExperimentalWarning', '--import', new URL('../../../../tools/swc-hook.mjs', import.meta.url).href] : [];

export interface IntakeThreadsOptions {
  readonly threads: number;
  readonly clockOffsetMs?: number | undefined;
  /** Told of a thread that ended by itself. */
  readonly onError?: (error: unknown) => void;
}

const died = (cause: unknown): DomainError => Object.assign(
  new DomainError('unavailable', 'intake-thread-died', {}, 'The thread that took the request in ended unexpectedly; any part of it may be stored. Send it again: events that are answer duplicate.'), { cause });

/** Only what reading a request looks at: the source's key stays here. */
const readHeaders = (headers: EventRequest['headers']): EventRequest['headers'] =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name === 'content-type' || name === 'content-encoding' || name.startsWith('ce-')));

/**
 * Takes requests in on threads of their own, so that parsing, checks, sealing and hashing use more than one core while one thread holds the
 * connections and commits for all of them. Threads start with the first request and end when there has been none for a minute.
 */
export class IntakeThreads {
  private readonly pool: Piscina;
  private readonly running = new Set<Promise<unknown>>();

  constructor(store: PgEventStore, keys: SubjectKeyProvider, { threads, clockOffsetMs, onError }: IntakeThreadsOptions) {
    const settings: ThreadSettings = { clockOffsetMs: clockOffsetMs ?? 0, maxSubjects: Math.ceil(DEFAULT_KEY_CACHE.maxSubjects / threads) };
    this.pool = new Piscina({
      filename: THREAD, name: 'takeOnThread', execArgv: EXEC_ARGV, workerData: settings, minThreads: 0, maxThreads: threads, idleTimeout: IDLE_MS, concurrentTasksPerWorker: REQUESTS_PER_THREAD,
      // Nothing of the service's environment is for a thread; and one that waits must go on sweeping old keys out of its memory.
      env: {}, atomics: 'disabled', recordTiming: false,
    });
    const calls = intakeCalls(store, keys);
    this.pool.on('message', ({ callsPort }: ThreadHello) => { answerCalls(callsPort, calls); });
    this.pool.on('error', (error: unknown) => onError?.(error));
  }

  /** As `takeRequest`. DomainError `unavailable` (`intake-thread-died`) when the thread ends before it answers. */
  async take({ headers, body }: EventRequest, delivery: Omit<Delivery, 'receipt'>): Promise<IntakeReport> {
    const run = this.run({ headers: readHeaders(headers), body, delivery });
    this.running.add(run);
    try {
      return unsettle(await run);
    } finally {
      this.running.delete(run);
    }
  }

  private async run(task: ThreadTask): Promise<Settled<IntakeReport>> {
    try {
      return await this.pool.run(task) as Settled<IntakeReport>;
    } catch (error) {
      throw died(error);
    }
  }

  /** Ends the threads; requests under way are finished first. None may come after it. */
  async close(): Promise<void> {
    await Promise.allSettled(this.running);
    await this.pool.destroy();
  }
}
