import { accept, pointerTo, reject, type Checked, type Rejection } from './rejection.ts';

const MAX_SIGNIFICANT_DIGITS = 17;

/** Undefined when a double holds the number as written (RFC 8259 section 6 leaves the rest to luck). */
const numberFault = (token: string): string | undefined => {
  const value = Number(token);
  if (!Number.isFinite(value)) return 'is beyond the range of a double';
  const mantissa = token.replace(/[eE].*$/, '').replace(/[-.]/g, '');
  const digits = mantissa.replace(/^0+/, '');
  if (value === 0 && digits.length > 0) return 'is too small for a double';
  if (Number.isInteger(value) && Math.abs(value) > Number.MAX_SAFE_INTEGER) return 'is an integer beyond 2^53';
  return digits.replace(/0+$/, '').length > MAX_SIGNIFICANT_DIGITS ? `has more than ${MAX_SIGNIFICANT_DIGITS} significant digits` : undefined;
};

const textFault = (text: string): { code: string; what: string } | undefined => {
  if (text.includes('\0')) return { code: 'nul-character', what: 'holds a NUL character, which no store can keep' };
  return text.isWellFormed() ? undefined : { code: 'lone-surrogate', what: 'holds half of a UTF-16 surrogate pair, which is not a character' };
};

/** Recursive descent over text that JSON.parse has accepted and whose depth is bounded, keeping the pointer. */
class FaultFinder {
  private at = 0;

  constructor(private readonly text: string) {}

  value(pointer: string): Rejection | undefined {
    this.space();
    const c = this.text[this.at]!;
    if (c === '{') return this.object(pointer);
    if (c === '[') return this.array(pointer);
    if (c === '"') return this.string(pointer).fault;
    const token = /[^\s,\]}]*/y;
    token.lastIndex = this.at;
    const word = token.exec(this.text)![0];
    this.at += word.length;
    const fault = c === '-' || (c >= '0' && c <= '9') ? numberFault(word) : undefined;
    return fault === undefined ? undefined : reject(pointer, 'number-not-exact', `The number ${fault}; send it as text, or as decimal text where the contract wants an amount.`).rejection;
  }

  private object(pointer: string): Rejection | undefined {
    const names = new Set<string>();
    this.at++;
    for (this.space(); this.text[this.at] !== '}'; this.separator()) {
      const name = this.string(pointer);
      const place = pointerTo(pointer, name.text);
      if (name.fault) return name.fault;
      if (names.has(name.text)) return reject(place, 'duplicate-key', 'The member name stands twice in one object, and readers disagree on which counts; send it once.').rejection;
      names.add(name.text);
      this.space();
      this.at++;
      const fault = this.value(place);
      if (fault) return fault;
    }
    this.at++;
    return undefined;
  }

  private array(pointer: string): Rejection | undefined {
    this.at++;
    let index = 0;
    for (this.space(); this.text[this.at] !== ']'; this.separator()) {
      const fault = this.value(pointerTo(pointer, index++));
      if (fault) return fault;
    }
    this.at++;
    return undefined;
  }

  private string(pointer: string): { text: string; fault?: Rejection } {
    const from = this.at;
    do {
      if (this.text[this.at] === '\\') this.at++;
      this.at++;
    } while (this.text[this.at] !== '"');
    this.at++;
    const text = JSON.parse(this.text.slice(from, this.at)) as string;
    const fault = textFault(text);
    return fault ? { text, fault: reject(pointer, fault.code, `A text here ${fault.what}; remove it.`).rejection } : { text };
  }

  private separator(): void {
    this.space();
    if (this.text[this.at] === ',') this.at++;
    this.space();
  }

  private space(): void {
    while (' \n\r\t'.includes(this.text[this.at] ?? '.')) this.at++;
  }
}

/**
 * The first member that I-JSON (RFC 7493) forbids, in text order: a repeated name (`duplicate-key`), a NUL (`nul-character`), half a
 * surrogate pair (`lone-surrogate`), a number no double holds (`number-not-exact`). `text` must be JSON that JSON.parse accepts. Ten
 * times slower than parsing: called only for text the scanner has doubts about.
 */
export const findJsonFault = (text: string): Checked<true> => {
  const rejection = new FaultFinder(text).value('');
  return rejection ? { ok: false, rejection } : accept(true);
};
