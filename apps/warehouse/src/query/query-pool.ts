import { DomainError } from '@millrace/kernel';
import type { QueryJob, QueryOutcome } from './query-job.ts';
import { abandoned, QueryProcess, type QueryBounds } from './query-process.ts';

export interface QueryPoolOptions extends QueryBounds {
  /** Processes at once, hence queries at once. */
  readonly processes: number;
  /** Queries that may wait for a process; more are turned away at once. */
  readonly maxWaiting: number;
  /** How long one of them waits. */
  readonly waitMs: number;
  /** An idle process is ended after this, and its memory is free; the next query starts another in about 0.3 s. */
  readonly idleMs: number;
}

const closing = (): DomainError => new DomainError('unavailable', 'query-closing', {}, 'The service is ending. Ask again when it is back.');

const queueFull = (waiting: number, why: string): DomainError => new DomainError('unavailable', 'query-queue-full', { waiting }, `${why}. Try again in a few seconds.`);

/** Runs queries in processes of their own, made when needed. A query's end is that of at most its own process. */
export class QueryPool {
  private readonly idle = new Map<QueryProcess, NodeJS.Timeout>();
  private readonly busy = new Set<QueryProcess>();
  private readonly waiting: (() => void)[] = [];
  private taken = 0;
  private closed = false;

  constructor(private readonly options: QueryPoolOptions) {}

  /** Rejects as `QueryProcess.run` does, or with DomainError `unavailable` (`query-queue-full`, `query-closing`). Aborted, it waits and runs no longer. */
  async run(job: QueryJob, signal?: AbortSignal): Promise<QueryOutcome> {
    await this.turn(signal);
    try {
      if (this.closed) throw closing();
      return await this.runIn(this.take(), job, signal);
    } finally {
      // The place goes to who waits longest, or is free.
      const next = this.waiting.shift();
      if (next) next();
      else this.taken -= 1;
    }
  }

  private async runIn(process: QueryProcess, job: QueryJob, signal: AbortSignal | undefined): Promise<QueryOutcome> {
    try {
      return await process.run(job, this.options, signal);
    } finally {
      this.busy.delete(process);
      if (process.alive && !this.closed) this.rest(process);
      else await process.stop();
    }
  }

  /** Processes now: busy and idle. */
  get standing(): { busy: number; idle: number; waiting: number } {
    return { busy: this.busy.size, idle: this.idle.size, waiting: this.waiting.length };
  }

  /** Ends all processes; queries under way fail as `query-process-died`. */
  async close(): Promise<void> {
    this.closed = true;
    for (const timer of this.idle.values()) clearTimeout(timer);
    await Promise.all([...this.idle.keys(), ...this.busy].map((process) => process.stop()));
    this.idle.clear();
  }

  /** A place is taken before anything is awaited, so that queries coming together can't overrun their number. */
  private turn(signal: AbortSignal | undefined): Promise<void> {
    if (this.closed) return Promise.reject(closing());
    if (signal?.aborted === true) return Promise.reject(abandoned());
    if (this.taken < this.options.processes) {
      this.taken += 1;
      return Promise.resolve();
    }
    if (this.waiting.length >= this.options.maxWaiting) return Promise.reject(queueFull(this.waiting.length, `${this.waiting.length} queries are waiting already`));
    return this.wait(signal);
  }

  private wait(signal: AbortSignal | undefined): Promise<void> {
    const { waitMs } = this.options;
    return new Promise((resolve, reject) => {
      const go = (): void => { settle(); resolve(); };
      const leave = (why: DomainError): void => {
        this.waiting.splice(this.waiting.indexOf(go), 1);
        settle();
        reject(why);
      };
      const abandon = (): void => leave(abandoned());
      const timer = setTimeout(() => leave(queueFull(this.waiting.length, `No process became free within ${waitMs / 1000} s`)), waitMs);
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abandon);
      };
      signal?.addEventListener('abort', abandon, { once: true });
      this.waiting.push(go);
    });
  }

  private take(): QueryProcess {
    const [rested] = [...this.idle.keys()].filter((process) => process.alive);
    for (const [process, timer] of this.idle) {
      if (process === rested || !process.alive) {
        clearTimeout(timer);
        this.idle.delete(process);
      }
    }
    const process = rested ?? new QueryProcess();
    this.busy.add(process);
    return process;
  }

  private rest(process: QueryProcess): void {
    const timer = setTimeout(() => {
      this.idle.delete(process);
      void process.stop();
    }, this.options.idleMs);
    timer.unref();
    this.idle.set(process, timer);
  }
}
