/**
 * Why one event was refused. `pointer` is a JSON pointer into the event as it came, `code` is stable kebab-case, `reason` says what
 * was expected and what to do; neither repeats a value from the event.
 */
export interface Rejection {
  readonly pointer: string;
  readonly code: string;
  readonly reason: string;
}

export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly rejection: Rejection };

export const accept = <T>(value: T): Checked<T> => ({ ok: true, value });

export const reject = (pointer: string, code: string, reason: string): { readonly ok: false; readonly rejection: Rejection } =>
  ({ ok: false, rejection: { pointer, code, reason } });

const PLAIN_SEGMENT = /^(?:[A-Za-z_][A-Za-z0-9_-]{0,39}|\d{1,9})$/;

/** Appends a member name or index to a JSON pointer (RFC 6901). */
export const pointerTo = (parent: string, segment: string | number): string =>
  `${parent}/${String(segment).replaceAll('~', '~0').replaceAll('/', '~1')}`;

/**
 * A pointer that may be kept and logged: a segment that isn't a plain name becomes `?`, because member names the contract doesn't know
 * may themselves be personal (`{"ann@example.org": 1}`).
 */
export const keepablePointer = (pointer: string): string =>
  pointer.split('/').map((segment, at) => (at === 0 || PLAIN_SEGMENT.test(segment) ? segment : '?')).join('/').slice(0, 400);
