import { DomainError } from '@millrace/kernel';

const malformed = (option: string, expected: string, value: string): DomainError =>
  new DomainError('invalid', 'option-malformed', { option }, `${option} wants ${expected}; got "${value.slice(0, 40)}"`);

/** `sales,customer` */
export const parseList = (text: string): string[] => text.split(',').map((part) => part.trim()).filter((part) => part !== '');

/** Collects a repeatable option that takes lists: `--by month,source --by currency`. */
export const collectList = (text: string, before: readonly string[] = []): string[] => [...before, ...parseList(text)];

export const parseCount = (option: string, min: number, max: number) => (text: string): number => {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= min && count <= max) return count;
  throw malformed(option, `a whole number from ${min} to ${max}`, text);
};

/** Collects a repeatable `--where key=value`. */
export const collectCondition = (text: string, before: readonly string[] = []): string[] => {
  if (/^[a-z][a-zA-Z_-]*=.+$/.test(text)) return [...before, text];
  throw malformed('--where', 'key=value, as in country=France', text);
};

const MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `60s`, `5m`, `1h`: milliseconds. */
export const parseDuration = (option: string) => (text: string): number => {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  if (match === null) throw malformed(option, 'a duration such as 60s, 5m or 1h', text);
  return Number(match[1]) * MS[match[2]!]!;
};

/** A date or time: `2011-01-31` or an ISO 8601 time. */
export const parseInstant = (option: string) => (text: string): string => {
  if (/^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text) && !Number.isNaN(Date.parse(text))) return text;
  throw malformed(option, 'a date such as 2011-01-31 or an ISO 8601 time', text);
};
