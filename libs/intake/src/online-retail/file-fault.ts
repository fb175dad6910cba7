import { DomainError } from '@millrace/kernel';

interface Fault {
  /** kebab-case name of the rule */
  readonly code: string;
  /** 1-based; absent when the fault is not on a line */
  readonly line?: number;
  readonly expected: string;
  readonly came: string;
  readonly remedy: string;
}

/** The one error a bad file ends with: line, what was expected, what came, what to do. Never holds a customer's number. */
export const fileFault = ({ code, line, expected, came, remedy }: Fault): DomainError =>
  new DomainError('invalid', `file-${code}`, line === undefined ? {} : { line }, `${line === undefined ? 'The file' : `Line ${line}`}: expected ${expected}; got ${came}. ${remedy} Nothing was sent.`);

const MAX_SHOWN = 40;

/** A value for a message: bounded, and with what can't be printed made visible. */
export const shown = (value: string): string => JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value);
