import { knownTypes } from '@millrace/contracts';
import { BUSINESS_CONTEXTS, DomainError, parseEventType } from '@millrace/kernel';

/** Names a refusal lists at most: what was meant is the first or second. */
const MOST_NAMED = 3;
/** Letters in common at both ends from which on two names look alike. */
const ALIKE = 6;

const commonLength = (a: string, b: string): number => {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
};

const reversed = (text: string): string => Array.from(text).toReversed().join('');
const likeness = (a: string, b: string): number => commonLength(a, b) + commonLength(reversed(a), reversed(b));

const nearTypes = (asked: string, types: readonly string[]): string[] =>
  types.map((type) => ({ type, like: likeness(asked.replace('*', ''), type) })).filter(({ like }) => like >= ALIKE).toSorted((a, b) => b.like - a.like).slice(0, MOST_NAMED).map(({ type }) => type);

const covers = (asked: string, type: string): boolean => (asked.endsWith('*') ? type.startsWith(asked.slice(0, -1)) : type === asked);

/**
 * DomainError `invalid` (`type-unknown`) for a type, or a prefix that ends in `*`, by which a source could bring no event: a key for it would be made,
 * and refuse everything. Names the types it may be meant for.
 */
export const refuseUnknownTypes = (asked: readonly string[]): void => {
  const types = knownTypes().filter((type) => BUSINESS_CONTEXTS.some((context) => context === parseEventType(type)?.context));
  for (const wish of asked) {
    if (types.some((type) => covers(wish, type))) continue;
    const near = nearTypes(wish, types);
    throw new DomainError('invalid', 'type-unknown', { type: wish }, `No event type that a source may bring is ${wish.endsWith('*') ? 'covered by' : 'called'} "${wish}". ${near.length === 0 ? 'Types are called like sales.order.placed, prefixes like clickstream.*.' : `Near it: ${near.join(', ')}.`}`);
  }
};
