import type { DomainEvent } from './event.ts';

/**
 * A pure write-side rule: `decide` is synchronous and total, throws only DomainError, returns [] when nothing is to be done;
 * `evolve` folds one event into the state. No clock, randomness or I/O.
 */
export interface Decider<State, Command, Event extends DomainEvent = DomainEvent> {
  readonly initial: State;
  decide(command: Command, state: State): Event[];
  evolve(state: State, event: Event): State;
}
