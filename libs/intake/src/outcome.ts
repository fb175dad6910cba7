import { logName, type LogKey, type Position } from '@millrace/kernel';
import type { Rejection } from './rejection.ts';

/** What became of one event of a request. `log` is `<context>/<shard>`; a duplicate names the first delivery's place. */
export type EventOutcome =
  | { readonly index: number; readonly id: string; readonly outcome: 'accepted' | 'duplicate'; readonly log: string; readonly position: Position }
  | { readonly index: number; readonly id?: string; readonly outcome: 'rejected' } & Rejection;

/** A request's outcomes in its own order, and how many unnamed attributes and fields of stored events were dropped. */
export interface IntakeReport {
  readonly outcomes: readonly EventOutcome[];
  readonly dropped: number;
}

export const placed = (index: number, id: string, outcome: 'accepted' | 'duplicate', log: LogKey, position: Position): EventOutcome =>
  ({ index, id, outcome, log: logName(log), position });

/** The id is repeated only when it is a text of sensible length that any reader of JSON takes: it comes from the producer. */
export const rejected = (index: number, id: unknown, rejection: Rejection): EventOutcome =>
  ({ index, ...(typeof id === 'string' && /^\P{C}{1,256}$/u.test(id) ? { id } : {}), outcome: 'rejected', ...rejection });
