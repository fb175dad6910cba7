import { setTimeout as delay } from 'node:timers/promises';
import { DomainError } from '@millrace/kernel';
import type { EventBatch } from './event-batch.ts';
import type { JournalEntry, Outcome } from './import-journal.ts';

export interface IntakeAnswer {
  readonly entries: readonly JournalEntry[];
  /** Unnamed fields the intake dropped. */
  readonly dropped: number;
}

export interface IntakeClientOptions {
  /** Base address of ingestion. */
  readonly ingestionUrl: string;
  readonly sourceKey: string;
  /** How long one batch is tried again after connection errors, 429 and 5xx, before the import gives up. */
  readonly giveUpAfterMs: number;
  readonly signal?: AbortSignal;
  /** Told before each wait. */
  readonly onRetry?: (why: string, waitMs: number) => void;
  /** Waits; given by specs, which don't. */
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<unknown>;
  readonly now?: () => number;
}

const FIRST_WAIT_MS = 200;
const MAX_WAIT_MS = 10_000;
/** A server's own wish is honoured up to here; a longer one is taken for a mistake. */
const MAX_RETRY_AFTER_MS = 120_000;
/** Twice what the intake allows itself for a request: longer means that the answer is lost. */
const ANSWER_TIMEOUT_MS = 60_000;

const RETRIED = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Sending failed in a way that a retry may mend. */
class Hiccup extends Error {
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs?: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

const retryAfterMs = (header: string | null, now: number): number | undefined => {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS) : undefined;
};

const parsed = (text: string): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {}; // not ours: a proxy's page
  }
};

const textAt = (value: unknown, name: string): string | undefined => {
  const found: unknown = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  return typeof found === 'string' ? found : undefined;
};

/** `fetch` hides the reason in its error's cause. */
const causeOf = (error: unknown): string => {
  const cause: unknown = typeof error === 'object' && error !== null && 'cause' in error ? error.cause : undefined;
  return textAt(cause, 'code') ?? textAt(error, 'message') ?? 'the connection failed';
};

/** Posts batches of CloudEvents to `POST /v1/events` and tries again, with back-off, what a retry may mend. Safe to repeat: ids decide. */
export class IntakeClient {
  requests = 0;
  retries = 0;
  private readonly options: IntakeClientOptions;

  constructor(options: IntakeClientOptions) {
    this.options = options;
  }

  /** Answers once every event of the batch has an outcome. Throws `import-refused` (don't repeat) or `intake-unreachable` (limit reached). */
  async send(batch: EventBatch): Promise<IntakeAnswer> {
    const { giveUpAfterMs, signal, onRetry, wait = (ms, aborted) => delay(ms, undefined, { signal: aborted }), now = Date.now } = this.options;
    const startedAt = now();
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.post(batch);
      } catch (error) {
        if (!(error instanceof Hiccup)) throw error;
        if (now() - startedAt >= giveUpAfterMs) throw this.givenUp(error);
        this.retries++;
        const waitMs = error.retryAfterMs ?? backOffMs(attempt);
        onRetry?.(error.message, waitMs);
        await wait(waitMs, signal);
      }
    }
  }

  private givenUp(error: Hiccup): DomainError {
    const seconds = Math.round(this.options.giveUpAfterMs / 1000);
    return new DomainError('unavailable', 'intake-unreachable', { url: this.options.ingestionUrl }, `No answer from the intake at ${this.options.ingestionUrl} for ${seconds} s (${error.message}). Run the same command again once it is up: it goes on where it stopped.`);
  }

  private async post(batch: EventBatch): Promise<IntakeAnswer> {
    this.requests++;
    const { status, text, wish } = await this.exchange(batch);
    if (RETRIED.has(status)) throw new Hiccup(`status ${status}`, wish);
    if (status !== 202 && status !== 422) throw refused(status, parsed(text));
    const answer = parsed(text);
    const { outcomes } = answer;
    // An answer that a proxy or a dying process cut short says nothing about the events: ask again.
    if (!Array.isArray(outcomes) || outcomes.length !== batch.size) {
      if (status === 422) throw refused(status, answer);
      throw new Hiccup('an answer without an outcome for every event');
    }
    return { entries: outcomes.map((outcome: Outcome, index) => entryOf(batch.ids[index] ?? '', outcome)), dropped: Number(answer.dropped ?? 0) };
  }

  private async exchange(batch: EventBatch): Promise<{ status: number; text: string; wish?: number }> {
    const { ingestionUrl, sourceKey, signal, now = Date.now } = this.options;
    const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    try {
      const response = await fetch(new URL('/v1/events', ingestionUrl), {
        method: 'POST', body: batch.body,
        headers: { 'content-type': 'application/cloudevents-batch+json', authorization: `Bearer ${sourceKey}` },
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      return { status: response.status, text: await response.text(), wish: retryAfterMs(response.headers.get('retry-after'), now()) };
    } catch (error) {
      signal?.throwIfAborted();
      throw new Hiccup(causeOf(error));
    }
  }
}

/** Doubles up to a bound; a random half keeps several lanes from knocking together. */
const backOffMs = (attempt: number): number => Math.min(FIRST_WAIT_MS * 2 ** attempt, MAX_WAIT_MS) * (0.5 + Math.random() / 2);

const refused = (status: number, problem: Record<string, unknown>): DomainError => {
  const said = [problem.detail, problem.title].find((text) => typeof text === 'string');
  const code = typeof problem.code === 'string' ? problem.code : 'none';
  return new DomainError('invalid', 'import-refused', { status, code }, `The intake refused the request with status ${status}: ${said ?? 'no reason given'}`);
};

/** Keeps what a journal is for, in a fixed order of keys. */
const entryOf = (id: string, answer: Outcome): JournalEntry => {
  if (answer.outcome !== 'rejected') return { id, outcome: answer.outcome, log: answer.log, position: answer.position };
  return { id, outcome: 'rejected', pointer: answer.pointer, code: answer.code, reason: answer.reason };
};
