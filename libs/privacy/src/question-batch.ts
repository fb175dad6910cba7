import { DomainError } from '@millrace/kernel';

export interface BatchBounds {
  /** Questions in one request. */
  readonly maxItems: number;
  /** Sum of the questions' weights in one request; a single heavier one goes alone. */
  readonly maxWeight: number;
  readonly maxInFlight: number;
  /** Beyond it callers are turned away: a queue that only grows answers nobody in time. */
  readonly maxWaiting: number;
}

interface Waiting<Question, Answer> {
  readonly question: Question;
  readonly weight: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Coalesces the questions of concurrent callers into few requests: what is asked in one turn of the event loop, or while `maxInFlight`
 * requests are under way, goes together. A failed request fails its own questions only.
 */
export class QuestionBatch<Question, Answer> {
  readonly #send: (questions: readonly Question[]) => Promise<readonly Answer[]>;
  readonly #bounds: BatchBounds;
  #waiting: Waiting<Question, Answer>[] = [];
  #inFlight = 0;
  #scheduled = false;

  constructor(send: (questions: readonly Question[]) => Promise<readonly Answer[]>, bounds: BatchBounds) {
    this.#send = send;
    this.#bounds = bounds;
  }

  ask(question: Question, weight: number): Promise<Answer> {
    if (this.#waiting.length >= this.#bounds.maxWaiting) {
      throw new DomainError('unavailable', 'keys-busy', { waiting: this.#waiting.length }, 'Too many questions wait for subject keys; try again shortly.');
    }
    return new Promise<Answer>((resolve, reject) => {
      this.#waiting.push({ question, weight, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#waiting.length > 0 && this.#inFlight < this.#bounds.maxInFlight) void this.#request(this.#take());
    });
  }

  #take(): Waiting<Question, Answer>[] {
    let [count, weight] = [0, 0];
    for (const waiting of this.#waiting) {
      weight += waiting.weight;
      if (count === this.#bounds.maxItems || (count > 0 && weight > this.#bounds.maxWeight)) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #request(batch: readonly Waiting<Question, Answer>[]): Promise<void> {
    this.#inFlight += 1;
    try {
      const answers = await this.#send(batch.map(({ question }) => question));
      if (answers.length !== batch.length) throw new DomainError('unavailable', 'keys-unavailable', { asked: batch.length, answered: answers.length }, 'Security answered another number of questions than were asked.');
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index]!);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.#inFlight -= 1;
      if (this.#waiting.length > 0) this.#schedule();
    }
  }
}
