import { setTimeout as pause } from 'node:timers/promises';
import { DomainError } from '@millrace/kernel';
import type { OutgoingEvent } from './outgoing.ts';

export interface EventOutcome {
  readonly index: number;
  readonly id: string;
  readonly outcome: 'accepted' | 'duplicate' | 'rejected';
  readonly log?: string;
  readonly position?: number;
  readonly code?: string;
}

export interface IntakeOptions {
  readonly url: string;
  readonly sourceKey: string;
  /** Told when a batch has to be sent again, and how long the wait is. */
  readonly onRetry?: (reason: string, waitMs: number) => void;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;
const ANSWER_WITHIN_MS = 60_000;

/** The answer says to try later: how long from now, in milliseconds. */
export const retryAfterMs = (header: string | null, attempt: number): number => {
  const asked = header === null ? Number.NaN : Number(header) * 1000;
  return Math.min(Number.isFinite(asked) && asked >= 0 ? Math.max(asked, FIRST_WAIT_MS) : FIRST_WAIT_MS * 2 ** attempt, LONGEST_WAIT_MS);
};

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly text: string;
}

interface TryLater {
  readonly reason: string;
  readonly waitMs: number;
}

/** Sends batches to `POST /v1/events`. The same batch may be sent more than once: ids make that harmless. */
export class IntakeClient {
  private readonly options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.options = options;
  }

  /**
   * Resolves with one outcome per event once the intake has answered; until then it backs off and sends again, unless `signal`
   * aborts. Rejects with DomainError `intake-refused` when the request itself is refused (key revoked, wrong address).
   */
  async send(events: readonly OutgoingEvent[], signal: AbortSignal): Promise<EventOutcome[]> {
    const body = JSON.stringify(events);
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.attempt(body, attempt, signal);
      if (Array.isArray(answer)) return answer;
      signal.throwIfAborted();
      this.options.onRetry?.(answer.reason, answer.waitMs);
      await pause(answer.waitMs, undefined, { signal });
    }
  }

  private async attempt(body: string, attempt: number, giveUp: AbortSignal): Promise<EventOutcome[] | TryLater> {
    const answer = await this.post(body, giveUp);
    if (answer === undefined) return { reason: 'no answer', waitMs: retryAfterMs(null, attempt) };
    const { status, retryAfter, text } = answer;
    if (status === 202 || status === 422) return (JSON.parse(text) as { outcomes: EventOutcome[] }).outcomes;
    if (status === 429 || status >= 500) return { reason: `status ${status}`, waitMs: retryAfterMs(retryAfter, attempt) };
    throw new DomainError('forbidden', 'intake-refused', { status }, `the intake refused the request with ${status}: ${text.slice(0, 300)}`);
  }

  private async post(body: string, giveUp: AbortSignal): Promise<Answer | undefined> {
    try {
      const response = await fetch(`${this.options.url}/v1/events`, {
        method: 'POST', body, signal: AbortSignal.any([giveUp, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
        headers: { 'content-type': 'application/cloudevents-batch+json', authorization: `Bearer ${this.options.sourceKey}` },
      });
      return { status: response.status, retryAfter: response.headers.get('retry-after'), text: await response.text() };
    } catch {
      return undefined; // not listening, or cut off before the end of the answer: sent again under the same ids
    }
  }
}
