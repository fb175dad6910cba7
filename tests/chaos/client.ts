import { setTimeout as pause } from 'node:timers/promises';
import type { ClientJournal } from './client-journal.ts';
import type { Answer, Purpose } from './history.ts';
import type { CyclePlan } from './plan.ts';
import { hold } from './processes.ts';
import { randomOf, type Random } from './random.ts';
import { conflicting, LaneLoad, wireOf, type MadeEvent } from './workload.ts';

export interface ClientOptions {
  readonly plan: CyclePlan;
  readonly journal: ClientJournal;
  readonly sourceKey: string;
  /** Base addresses that take events now; asked anew for each request, since a drill may add one or move them behind a proxy. */
  readonly intakes: () => readonly string[];
  /** Epoch of each log as the client knows it. */
  readonly epochs: () => Readonly<Record<string, number>>;
  /** The load goes on until its events are acknowledged and this holds. */
  readonly mayEnd: () => boolean;
}

/** The client's patience with one request: an answer that takes longer counts as lost, and may yet have been meant. */
const ANSWER_TIMEOUT_MS = 8_000;
const GIVE_UP_AFTER_MS = 240_000;
const FIRST_WAIT_MS = 60;
const MOST_WAIT_MS = 1_000;
const DUPLICATE_CHANCE = 0.08;
const CONCURRENT_CHANCE = 0.08;
const CONFLICT_CHANCE = 0.06;
/** Load beyond what was planned while a fault takes its time; more would only fill the disk. It must not run dry before the fault is over. */
const MOST_PER_PLANNED = 6;
const GENTLE_WAIT_MS = 500;

type Answered = { readonly answers: readonly Answer[] } | { readonly lost: string };

/** Answers that say "not now": the same request is sent again. 409 is an epoch that was renewed under the request. */
const AGAIN = new Set([408, 409, 425, 429, 500, 502, 503, 504]);

/**
 * What `fetch`, its deadline and a cut-off body end with. By name: in a test each of them may come from another realm than this file's.
 */
const LOST = new Set(['TypeError', 'TimeoutError', 'AbortError', 'SyntaxError']);

interface Outcome { readonly outcome: Answer['outcome']; readonly log?: string; readonly position?: number; readonly code?: string }

/** Posts a cycle's load over several lanes, writes down all that it sends and hears, and never gives up an event before it is acknowledged. */
export class ChaosClient {
  acknowledged = 0;
  inFlight = 0;
  /** Requests without an answer; each was sent again. */
  unanswered = 0;
  retriedEvents = 0;
  refusedByEpoch = 0;
  /** Set by a drill that takes an older copy of the event database, and when it has put it back: answers carry it. */
  era: Answer['era'];
  private conflicts = true;
  private conflictsInFlight = 0;
  private readonly sinceCopy: { readonly batch: readonly MadeEvent[]; readonly answers: readonly Answer[] }[] = [];
  private attempts = 0;
  private failure: Error | undefined;

  constructor(private readonly options: ClientOptions) {}

  /** Resolves when every lane is through; rejects with the first lane's failure. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: this.options.plan.lanes }, (_, lane) => this.lane(lane).catch((error: Error) => { this.failure ??= error; })));
    if (this.failure !== undefined) throw this.failure;
  }

  /** Ends the load with this failure once the requests under way are over. */
  giveUp(error: Error): void {
    this.failure ??= error;
  }

  private async lane(lane: number): Promise<void> {
    const { plan, mayEnd } = this.options;
    const load = new LaneLoad(plan, lane);
    const random = randomOf('mischief', plan.seed, plan.cycle, lane);
    while (this.failure === undefined && !this.done()) {
      const batch = load.batch(random.between(10, 60));
      const beside = random.chance(CONCURRENT_CHANCE) ? this.once(batch, 'duplicate') : undefined;
      await this.untilAcknowledged(batch);
      await beside;
      await this.mischief(random, batch);
      if (this.acknowledged >= plan.events && !mayEnd()) await pause(GENTLE_WAIT_MS);
    }
  }

  private done(): boolean {
    const { plan, mayEnd } = this.options;
    return (this.acknowledged >= plan.events && mayEnd()) || this.acknowledged >= plan.events * MOST_PER_PLANNED;
  }

  private async mischief(random: Random, batch: readonly MadeEvent[]): Promise<void> {
    if (random.chance(DUPLICATE_CHANCE)) await this.once(batch, 'duplicate');
    if (random.chance(CONFLICT_CHANCE) && this.conflicts) {
      this.conflictsInFlight += 1;
      await this.once(conflicting(batch.slice(0, 5)), 'conflict').finally(() => { this.conflictsInFlight -= 1; });
    }
  }

  /** No conflicts from here on: what a restored database no longer knows, it can not refuse. Resolves when none is under way. */
  async endConflicts(): Promise<void> {
    this.conflicts = false;
    await hold('conflicts to be answered', () => this.conflictsInFlight === 0);
  }

  /** Sends again, each lane's in their order, the batches acknowledged since the copy of which something is lost. Answers how many events. */
  async sendAgain(isLost: (answer: Answer) => boolean): Promise<number> {
    const batches = this.sinceCopy.filter(({ answers }) => answers.some(isLost)).map(({ batch }) => batch);
    for (const batch of batches) await this.persist(batch, 'retry');
    return batches.reduce((sum, { length }) => sum + length, 0);
  }

  private async untilAcknowledged(batch: readonly MadeEvent[]): Promise<void> {
    const answers = await this.persist(batch, 'first');
    this.acknowledged += answers.filter(({ outcome }) => outcome !== 'rejected').length;
    if (answers.some(({ era }) => era === 'copied')) this.sinceCopy.push({ batch, answers });
  }

  private async persist(batch: readonly MadeEvent[], purpose: Purpose): Promise<readonly Answer[]> {
    const until = performance.now() + GIVE_UP_AFTER_MS;
    for (let tries = 0; ; tries += 1) {
      const answered = await this.once(batch, tries === 0 ? purpose : 'retry');
      if ('answers' in answered) return answered.answers;
      if (this.failure !== undefined) throw this.failure;
      if (performance.now() > until) throw new Error(`no acknowledgement for ${GIVE_UP_AFTER_MS / 1000} s; last: ${answered.lost}`);
      this.retriedEvents += batch.length;
      await pause(Math.min(FIRST_WAIT_MS * 2 ** tries, MOST_WAIT_MS));
    }
  }

  /** One request, written down before it goes and after it is answered. */
  private async once(batch: readonly MadeEvent[], purpose: Purpose): Promise<Answered> {
    const { journal } = this.options;
    const attempt = (this.attempts += 1);
    await journal.add({ kind: 'sent', attempt, purpose, events: batch.map(({ id, stream, order, proof }) => ({ id, stream, order, proof })) });
    this.inFlight += 1;
    const answered = await this.post(batch).finally(() => { this.inFlight -= 1; });
    if ('answers' in answered) await journal.add({ kind: 'answered', attempt, answers: answered.answers });
    else {
      this.unanswered += 1;
      await journal.add({ kind: 'unanswered', attempt, why: answered.lost });
    }
    return answered;
  }

  private async post(batch: readonly MadeEvent[]): Promise<Answered> {
    const intakes = this.options.intakes();
    const intake = intakes[this.attempts % intakes.length];
    try {
      const response = await fetch(`${intake}/v1/events`, {
        method: 'POST', signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
        headers: { 'content-type': 'application/cloudevents-batch+json', authorization: `Bearer ${this.options.sourceKey}` },
        body: JSON.stringify(batch.map((event) => wireOf(event, new Date()))),
      });
      const text = await response.text();
      if (AGAIN.has(response.status)) {
        if (text.includes('epoch-renewed')) this.refusedByEpoch += 1;
        return { lost: `status ${response.status}` };
      }
      const { outcomes } = JSON.parse(text) as { outcomes?: Outcome[] };
      if (outcomes?.length !== batch.length) throw new Error(`status ${response.status}: ${text.slice(0, 300)}`);
      return { answers: outcomes.map((outcome, index) => this.answerOf(batch[index]!.id, outcome)) };
    } catch (error) {
      if (LOST.has((error as Error).name)) return { lost: causeOf(error as Error) };
      throw error;
    }
  }

  private answerOf(id: string, { outcome, log, position, code }: Outcome): Answer {
    const epoch = log === undefined ? undefined : this.options.epochs()[log];
    return { id, outcome, ...(log === undefined ? {} : { log }), ...(position === undefined ? {} : { position }), ...(epoch === undefined ? {} : { epoch }), ...(this.era === undefined ? {} : { era: this.era }), ...(code === undefined ? {} : { code }) };
  }
}

/** `fetch` hides the reason in its error's cause. */
const causeOf = (error: Error): string => {
  const { code } = (error.cause ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : error.name;
};
