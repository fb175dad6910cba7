import { isDomainError, type Decider, type DomainEvent } from '@millrace/kernel';

class ExpectationFailed extends Error {}

const shown = (value: unknown): string => JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));

/** What a decider did with a command, to be compared. Both throw on a difference and so fail the test. */
export interface Decision<Event> {
  thenEmits(...expected: readonly Event[]): void;
  thenRejects(code: string): void;
}

/** given(events).when(command).thenEmits(...events): a decider's history, a command, and what must come of it. */
export const deciderSpec = <State, Command, Event extends DomainEvent>(decider: Decider<State, Command, Event>) =>
  (...history: readonly Event[]) => ({
    when: (command: Command): Decision<Event> => {
      const state = history.reduce((folded, event) => decider.evolve(folded, event), decider.initial);
      const decide = () => decider.decide(command, state);
      return {
        thenEmits: (...expected) => {
          const actual = shown(decide());
          if (actual !== shown(expected)) throw new ExpectationFailed(`expected ${shown(expected)}\nbut got  ${actual}`);
        },
        thenRejects: (code) => {
          let events: readonly Event[];
          try {
            events = decide();
          } catch (error) {
            if (isDomainError(error) && error.code === code) return;
            throw new ExpectationFailed(`expected rejection ${code}\nbut got  ${isDomainError(error) ? error.code : String(error)}`);
          }
          throw new ExpectationFailed(`expected rejection ${code}\nbut got  ${shown(events)}`);
        },
      };
    },
  });
