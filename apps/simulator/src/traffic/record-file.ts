import { appendFileSync, writeFileSync } from 'node:fs';
import { personalValuesIn } from './personal-value.ts';
import type { OutgoingEvent } from './outgoing.ts';
import type { EventOutcome } from './intake-client.ts';

/** JSON lines, begun anew: appended synchronously, so that a killed simulator has written down all it knew. */
const lines = (path: string): ((records: readonly object[]) => void) => {
  writeFileSync(path, '', { mode: 0o600 });
  return (records) => {
    if (records.length > 0) appendFileSync(path, `${records.map((record) => JSON.stringify(record)).join('\n')}\n`);
  };
};

/** Lists each personal value once, `{category, value}` a line, before it is first sent. */
export const manifestWriter = (path: string | undefined): ((events: readonly OutgoingEvent[]) => void) => {
  if (path === undefined) return () => undefined;
  const append = lines(path);
  const known = new Set<string>();
  return (events) => append(events.flatMap(personalValuesIn).filter(({ value }) => {
    const fresh = !known.has(value);
    known.add(value);
    return fresh;
  }));
};

/** What the intake answered, one event a line: what must be in the log, whatever dies afterwards. */
export const journalWriter = (path: string | undefined): ((outcomes: readonly EventOutcome[]) => void) => (path === undefined ? () => undefined : lines(path));
