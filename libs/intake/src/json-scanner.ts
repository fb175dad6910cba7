import { DomainError } from '@millrace/kernel';

/** What a lexical pass over one JSON value found. `doubtful`: holds an escape or a number that needs the slow look of `findJsonFault`. */
export interface JsonSlice {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** Members of all objects in the text, a repeated name counted each time. */
  readonly members: number;
  /** Members of the widest object. */
  readonly widest: number;
  readonly depth: number;
  readonly doubtful: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;

const notJson = (at: number, expected: string): DomainError =>
  new DomainError('invalid', 'not-json', { at }, `The body is not JSON: expected ${expected} at byte ${at}. Nothing was taken in; send valid UTF-8 JSON.`);

const isSpace = (c: number | undefined): boolean => c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09;
const isOpen = (c: number): boolean => c === 0x7b || c === 0x5b;
const isClose = (c: number): boolean => c === 0x7d || c === 0x5d;
const isNumberPart = (c: number | undefined): boolean =>
  c !== undefined && ((c >= 0x30 && c <= 0x39) || c === 0x2d || c === 0x2b || c === 0x2e || c === 0x65 || c === 0x45);

/**
 * Walks JSON bytes once, without building values, to learn where each event of a batch begins and ends and whether it keeps the limits,
 * before anything is parsed. It is lexical: brackets are counted, not matched; a slice must still pass JSON.parse.
 */
class JsonScanner {
  private at = 0;
  private members = 0;
  private widest = 0;
  private depth = 0;
  private deepest = 0;
  /** Members so far of the open object at each depth; what is deeper than this is refused for its depth. */
  private readonly open = new Uint32Array(256);
  private doubtful = false;

  constructor(private readonly bytes: Uint8Array) {}

  one(): JsonSlice {
    const slice = this.value();
    this.end();
    return slice;
  }

  batch(maxEvents: number): JsonSlice[] {
    this.expect(0x5b, '"[", the start of a batch');
    const slices: JsonSlice[] = [];
    this.space();
    if (this.bytes[this.at] === 0x5d) {
      this.at++;
      this.end();
      return slices;
    }
    for (;;) {
      if (slices.length === maxEvents) {
        throw new DomainError('invalid', 'events-too-many', { maxEvents }, `A request holds at most ${maxEvents} events; this one has more. Nothing was taken in; send it in parts.`);
      }
      slices.push(this.value());
      this.space();
      const c = this.bytes[this.at++];
      if (c === 0x5d) break;
      if (c !== COMMA) throw notJson(this.at - 1, '"," or "]"');
    }
    this.end();
    return slices;
  }

  private value(): JsonSlice {
    this.space();
    const start = this.at;
    this.members = this.widest = this.depth = this.deepest = 0;
    this.doubtful = false;
    do this.token(start);
    while (this.depth > 0);
    if (this.at === start) throw notJson(start, 'a value');
    return { start, end: this.at, members: this.members, widest: this.widest, depth: this.deepest, doubtful: this.doubtful };
  }

  /** One token; at depth 0 it stops before a separator, which belongs to the batch. */
  private token(start: number): void {
    const c = this.bytes[this.at];
    if (c === undefined) throw notJson(this.at, this.at === start ? 'a value' : 'the rest of a value (the body ends early)');
    if (c === QUOTE) return this.string();
    if (isOpen(c)) {
      this.depth++;
      this.open[this.depth] = 0;
      if (this.depth > this.deepest) this.deepest = this.depth;
    } else if (isClose(c)) {
      if (this.depth === 0) throw notJson(this.at, 'a value');
      this.depth--;
    } else if (c === COLON) this.member();
    else if (isNumberPart(c)) return this.number();
    else if (c >= 0x61 && c <= 0x7a) return this.word();
    this.at++;
  }

  private member(): void {
    this.members++;
    const count = (this.open[this.depth] ?? 0) + 1;
    this.open[this.depth] = count;
    if (count > this.widest) this.widest = count;
  }

  private string(): void {
    const { bytes } = this;
    let at = this.at + 1;
    for (;;) {
      const c = bytes[at];
      if (c === QUOTE) break;
      if (c === undefined) throw notJson(this.at, 'a closing quote for the string that begins here');
      if (c === BACKSLASH) {
        at++;
        // \u0000 and \uD8xx..\uDFxx: the first hex digits are enough to send it to the slow look.
        if (bytes[at] === 0x75) this.doubtful ||= (bytes[at + 1]! | 0x20) === 0x64 || (bytes[at + 1] === 0x30 && bytes[at + 2] === 0x30 && bytes[at + 3] === 0x30);
      }
      at++;
    }
    this.at = at + 1;
  }

  /** `true`, `null`, or the `e` of a number that `number` consumed already. */
  private word(): void {
    let c = this.bytes[this.at];
    while (c !== undefined && c >= 0x61 && c <= 0x7a) c = this.bytes[++this.at];
  }

  private number(): void {
    const from = this.at;
    let exponent = false;
    let c = this.bytes[this.at];
    while (isNumberPart(c)) {
      if (c === 0x65 || c === 0x45) exponent = true;
      c = this.bytes[++this.at];
    }
    // Up to 15 characters without exponent are exact as a double, whatever they are.
    if (exponent || this.at - from > 15) this.doubtful = true;
  }

  private space(): void {
    while (isSpace(this.bytes[this.at])) this.at++;
  }

  private expect(c: number, what: string): void {
    this.space();
    if (this.bytes[this.at] !== c) throw notJson(this.at, what);
    this.at++;
  }

  private end(): void {
    this.space();
    if (this.at < this.bytes.length) throw notJson(this.at, 'the end');
  }
}

/** One JSON document. Throws DomainError `invalid` (`not-json`). */
export const scanJson = (bytes: Uint8Array): JsonSlice => new JsonScanner(bytes).one();

/** The elements of a JSON array, in order. Throws DomainError `invalid` (`not-json`, `events-too-many`). */
export const scanJsonBatch = (bytes: Uint8Array, maxEvents: number): JsonSlice[] => new JsonScanner(bytes).batch(maxEvents);

/** Members of all objects in a parsed value: fewer than the text has when a name is repeated in an object. */
export const countMembers = (value: unknown): number => {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const element of value as unknown[]) count += countMembers(element);
    return count;
  }
  for (const name of Object.keys(value)) count += 1 + countMembers((value as Record<string, unknown>)[name]);
  return count;
};
