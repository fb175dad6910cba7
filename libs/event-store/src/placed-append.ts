import { DomainError, type Context, type LogKey, type Tenant } from '@millrace/kernel';
import type { UnitAnswer } from './append.ts';
import type { PlacedOutcome } from './event-store.ts';
import type { GroupCommit, HandOver, QueueBudget, Waiting } from './group-commit.ts';
import type { PreparedUnit } from './prepared-unit.ts';
import { ContextPlacement, StreamHomes, type AskForPlaces } from './stream-placement.ts';

const sum = (units: readonly PreparedUnit[], of: (unit: PreparedUnit) => number): number => units.reduce((total, unit) => total + of(unit), 0);

const placedOutcomes = (answer: UnitAnswer, log: LogKey): DomainError | PlacedOutcome[] =>
  (answer instanceof DomainError ? answer : answer.map((outcome) => (outcome.kind === 'appended' ? { ...outcome, log } : outcome)));

/**
 * Appends units wherever their streams live. Each call's units are placed, queued log by log, and answered in the order given once all
 * have their answer. Units of one stream keep the order of calls also when the stream turns out to live elsewhere: those that wait in the
 * wrong log are handed over together, and a stream never moves twice.
 */
export class PlacedAppends {
  private readonly placements = new Map<string, ContextPlacement>();
  private readonly homes = new StreamHomes();

  constructor(private readonly ask: AskForPlaces, private readonly budget: QueueBudget, private readonly logOf: (log: LogKey) => GroupCommit) {}

  /** For the group commit of each log. */
  readonly handOver: HandOver = (stream, to, units) => {
    this.placementOf(to.tenant, to.context).moved(stream, to.shard);
    this.logOf(to).take(units.map(({ unit, epoch, done }) => ({ unit, epoch, done })));
  };

  append(tenant: Tenant, context: Context, units: readonly PreparedUnit[]): Promise<PlacedOutcome[]> {
    if (units.length === 0) return Promise.resolve([]);
    const [events, bytes] = [sum(units, (unit) => unit.events.length), sum(units, (unit) => unit.bytes)];
    this.budget.take(events, bytes);
    const placement = this.placementOf(tenant, context);
    return new Promise<PlacedOutcome[]>((resolve, reject) => {
      const answers: (DomainError | PlacedOutcome[])[] = [];
      let left = units.length;
      const done = (at: number) => (answer: UnitAnswer, log: LogKey): void => {
        placement.answered(units[at]!.stream);
        answers[at] = placedOutcomes(answer, log);
        left -= 1;
        if (left > 0) return;
        this.budget.give(events, bytes);
        const failed = answers.find((one) => one instanceof DomainError);
        if (failed === undefined) resolve(answers.flatMap((one) => (one instanceof DomainError ? [] : one)));
        else reject(failed);
      };
      placement.place({
        streams: units.map((unit) => unit.stream),
        placed: (homes) => { this.queue({ tenant, context }, units, homes, done); },
        failed: (error) => {
          this.budget.give(events, bytes);
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      });
    });
  }

  private queue(of: Pick<LogKey, 'tenant' | 'context'>, units: readonly PreparedUnit[], homes: readonly number[], done: (at: number) => Waiting['done']): void {
    const byShard = new Map<number, Waiting[]>();
    for (const [at, unit] of units.entries()) {
      const waiting = { unit, epoch: undefined, done: done(at), follows: true };
      const shard = homes[at]!;
      const found = byShard.get(shard);
      if (found === undefined) byShard.set(shard, [waiting]);
      else found.push(waiting);
    }
    for (const [shard, waiting] of byShard) {
      const callEvents = sum(waiting.map(({ unit }) => unit), (unit) => unit.events.length);
      this.logOf({ ...of, shard }).take(waiting.with(0, { ...waiting[0]!, callEvents }));
    }
  }

  private placementOf(tenant: Tenant, context: Context): ContextPlacement {
    const key = `${tenant}/${context}`;
    const found = this.placements.get(key);
    if (found !== undefined) return found;
    const made = new ContextPlacement(tenant, context, this.homes, this.ask);
    this.placements.set(key, made);
    return made;
  }
}
