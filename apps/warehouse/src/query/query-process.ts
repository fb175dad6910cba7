import { fork, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { DomainError } from '@millrace/kernel';
import type { QueryJob, QueryOutcome } from './query-job.ts';

/** How often a running query's memory is looked at. DuckDB's own limit doesn't count what a single huge value takes. */
const WATCH_MS = 50;
const PAGE_BYTES = 4096;
/** Heap for the result as JSON; DuckDB's memory is apart from it. */
const HEAP_MB = 96;

export interface QueryBounds {
  readonly timeoutMs: number;
  /** Resident memory of the whole process; beyond it, it is killed. */
  readonly maxResidentBytes: number;
}

/** The child's file beside this one: `.ts` from source, `.js` when built. It imports no workspace lib, so plain Node runs it either way. */
const CHILD = new URL(`./query-child${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

const residentBytes = async (pid: number): Promise<number> => {
  // Absent on systems without /proc, and when the process has just ended: DuckDB's limit and the timeout remain.
  const statm = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '');
  return Number(statm.split(' ')[1] ?? 0) * PAGE_BYTES;
};

const timedOut = ({ timeoutMs }: QueryBounds): DomainError =>
  new DomainError('invalid', 'query-timeout', { timeoutMs }, `The query was ended after ${timeoutMs / 1000} s. Narrow it by date or aggregate earlier.`);
const tooBig = ({ maxResidentBytes }: QueryBounds): DomainError =>
  new DomainError('invalid', 'query-memory-exceeded', { maxResidentBytes }, 'The query needs more memory than a query may have. Select fewer columns, aggregate earlier or narrow it by date.');
const died = (): DomainError =>
  new DomainError('unavailable', 'query-process-died', {}, 'The process that ran the query ended unexpectedly; a new one takes the next query. Try again.');

/** Nobody reads it: whoever asked has gone. */
export const abandoned = (): DomainError =>
  new DomainError('unavailable', 'query-abandoned', {}, 'Whoever asked hung up before the answer; the query was ended.');

/** One child process, for one query at a time. After a timeout, too much memory, a crash or an abandoned query it is dead and must be replaced. */
export class QueryProcess {
  private readonly child: ChildProcess;
  private readonly ready: Promise<void>;
  private readonly gone: Promise<void>;
  alive = true;

  constructor() {
    // Empty environment: nothing of the service's credentials is there to be found.
    this.child = fork(CHILD, [], { env: {}, execArgv: [`--max-old-space-size=${HEAP_MB}`, '--disable-warning=ExperimentalWarning'], stdio: ['ignore', 'ignore', 'ignore', 'ipc'], serialization: 'advanced' });
    this.gone = new Promise((resolve) => {
      const end = (): void => { this.alive = false; resolve(); };
      this.child.once('exit', end);
      this.child.once('error', end);
    });
    this.ready = new Promise((resolve, reject) => {
      this.child.once('message', () => resolve());
      void this.gone.then(() => reject(died()));
    });
    // Reported by run(); nobody may be waiting yet when a start fails.
    this.ready.catch(() => undefined);
  }

  /** The time counts from when the process is ready. Rejects with DomainError `invalid` (`query-timeout`, `query-memory-exceeded`) or `unavailable` (`query-process-died`, `query-abandoned` once `signal` is aborted). */
  async run(job: QueryJob, bounds: QueryBounds, signal?: AbortSignal): Promise<QueryOutcome> {
    await this.ready;
    if (signal?.aborted === true) throw abandoned();
    let fault: DomainError | undefined;
    const end = (error: DomainError): void => { fault ??= error; this.child.kill('SIGKILL'); };
    const abandon = (): void => end(abandoned());
    signal?.addEventListener('abort', abandon, { once: true });
    const timer = setTimeout(() => end(timedOut(bounds)), bounds.timeoutMs);
    const watch = setInterval(() => void residentBytes(this.child.pid ?? 0).then((bytes) => { if (bytes > bounds.maxResidentBytes) end(tooBig(bounds)); }), WATCH_MS);
    try {
      const answer = new Promise<QueryOutcome>((resolve) => { this.child.once('message', (message) => resolve(message as QueryOutcome)); });
      this.child.send(job, () => undefined);
      return await Promise.race([answer, this.gone.then(() => { throw fault ?? died(); })]);
    } finally {
      clearTimeout(timer);
      clearInterval(watch);
      signal?.removeEventListener('abort', abandon);
      this.child.removeAllListeners('message');
    }
  }

  /** Resolves when it has ended. */
  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.gone;
  }

  /** Lets go of it: it ends by itself, as when this process dies. */
  disconnect(): void {
    this.child.disconnect();
  }

  get pid(): number | undefined {
    return this.child.pid;
  }
}
