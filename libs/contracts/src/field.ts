import { AMOUNT_DIGITS, CONTEXTS, DECIMAL_PATTERN } from '@millrace/kernel';
import { z } from 'zod';
import type { IdentifierKind, PersonalCategory, PrivacyAnnotation, PurposeClass } from './contract.ts';

// Leaf schemas of the contracts. Each is bounded and carries its privacy annotation, so a contract built from them is complete by
// construction. Descriptions are what a producer reads in a refusal: they name what is expected.

const NOT_PERSONAL = { privacy: { kind: 'none' } satisfies PrivacyAnnotation };

/** Tax law asks for invoices, hence for who they were sent to, for ten years. */
const CUSTOMER_RETENTION_DAYS = 3650;
/** Long enough to investigate an attack, short enough not to be a movement profile. */
const NETWORK_RETENTION_DAYS = 90;

/** Free text of at most `max` characters that never holds personal data. */
export const text = (max: number) => z.string().min(1).max(max).meta({ ...NOT_PERSONAL, description: `text of 1 to ${max} characters` });

/** An identifier of a thing (never of a person): 1 to 128 characters, no control characters or lone surrogates. */
export const id = () =>
  z.string().max(128).regex(/^\P{C}+$/u).meta({ ...NOT_PERSONAL, description: 'an identifier of 1 to 128 characters without control characters' });

/** Lower-kebab word of a closed or slowly growing set, as in `card-declined`. */
export const code = () => z.string().max(64).regex(/^[a-z0-9][a-z0-9-]*$/).meta({ ...NOT_PERSONAL, description: 'a code of a-z, 0-9 and "-", as in "card-declined"' });

/** Id of an event, as producers may choose it (`id` of the wire event). */
export const eventId = () => z.string().max(200).regex(/^\P{C}+$/u).meta({ ...NOT_PERSONAL, description: 'an event id of 1 to 200 characters without control characters' });

/** SHA-256 in hex. */
export const digest = () => z.string().max(64).regex(/^[0-9a-f]{64}$/).meta({ ...NOT_PERSONAL, description: 'a SHA-256 of 64 hex digits' });

export const oneOf = <const Values extends readonly [string, ...string[]]>(...values: Values) => z.enum(values).meta(NOT_PERSONAL);

type Sign = 'any' | 'not-negative' | 'positive';

const { whole, fraction } = AMOUNT_DIGITS;
const DIGITS = `at most ${whole} digits before and ${fraction} after the point`;
/** Zeros at the end are no digits of the amount: many databases print them. */
const AMOUNT = `\\d{1,${whole}}(\\.\\d{1,${fraction}}0{0,${12 - fraction}})?$`;
const AMOUNTS: Readonly<Record<Sign, { readonly pattern: string; readonly description: string }>> = {
  any: { pattern: `^-?${AMOUNT}`, description: `a decimal as text, as in "-12.50" (${DIGITS}, no exponent)` },
  'not-negative': { pattern: `^${AMOUNT}`, description: `a decimal of zero or more as text, as in "12.50" (${DIGITS}, no exponent)` },
  positive: { pattern: `^(?=.*[1-9])${AMOUNT}`, description: `a decimal above zero as text, as in "12.50" (${DIGITS}, no exponent)` },
};

/**
 * Exact decimal text; amounts never pass through a float. Released with 20 digits before and 12 after the point and any sign, which is what stored
 * events are read with; what comes in has as many as every reader counts with, and the sign its meaning has.
 */
export const decimal = (sign: Sign = 'any') => {
  const description = 'a decimal as text, as in "-12.50" (at most 20 digits before and 12 after the point, no exponent)';
  return z.string().max(34).regex(DECIMAL_PATTERN).meta({ ...NOT_PERSONAL, description, intake: AMOUNTS[sign] });
};

/** As billed: decimal text (weights) or an integer. Negative on returns. */
export const quantity = () => {
  const expected = 'a quantity: an integer within ±1,000,000,000, or a decimal as text, as in "0.250"';
  const asText = z.string().max(34).regex(DECIMAL_PATTERN).meta({ intake: { pattern: AMOUNTS.any.pattern } });
  return z.union([asText, z.int().min(-1_000_000_000).max(1_000_000_000)]).meta({ ...NOT_PERSONAL, description: expected, intake: { description: `${expected} (${DIGITS})` } });
};

/** Whole sales units: stock is promised and counted in them. */
export const units = (min: 0 | 1) => z.int().min(min).max(1_000_000_000).meta({ ...NOT_PERSONAL, description: `a whole number from ${min} to 1,000,000,000` });

export const integer = (min: number, max: number) => z.int().min(min).max(max).meta({ ...NOT_PERSONAL, description: `a whole number from ${min} to ${max}` });

/** A place in a log, an epoch, a size: whole, and exact in every JSON reader. */
export const position = (min: 0 | 1) => integer(min, Number.MAX_SAFE_INTEGER);

/** Four digits: the widest a log's name can carry. */
export const shardNumber = () => integer(0, 9999);

export const contextName = () => oneOf(...CONTEXTS);

export const flag = () => z.boolean().meta(NOT_PERSONAL);

/** ISO 4217. */
export const currency = () => z.string().max(3).regex(/^[A-Z]{3}$/).meta({ ...NOT_PERSONAL, description: 'a currency of three capital letters, as in "EUR"' });

/** ISO 8601 with an offset; `Z` or `+hh:mm`. */
export const time = () => z.string().max(35).meta({ ...NOT_PERSONAL, format: 'date-time', description: 'a date and time with an offset, as in "2011-01-31T08:26:00Z"' });

/** Country as the shop names it: a code or a name; what it means is the warehouse's business. */
export const country = () => text(64);

/** Path of a page. Without query and fragment, where trackers leave e-mail addresses and tokens. */
export const path = () => z.string().max(2048).regex(/^\/[^?#\p{C}]*$/u).meta({ ...NOT_PERSONAL, description: 'a path that starts with "/" and has no query or fragment' });

const sealed = (schema: z.ZodString, category: PersonalCategory, purpose: PurposeClass, mask: 'full' | 'partial' | 'last-4', description: string) => {
  const retentionDays = purpose === 'network' ? NETWORK_RETENTION_DAYS : CUSTOMER_RETENTION_DAYS;
  return schema.meta({ privacy: { kind: 'sealed', category, purpose, retentionDays, mask } satisfies PrivacyAnnotation, description });
};

const printable = (max: number) => z.string().max(max).regex(/^\P{C}+$/u);

export const personName = () => sealed(printable(200), 'name', 'identity', 'partial', 'a name of 1 to 200 characters');
export const email = () => sealed(z.string().max(254).regex(/^[^\s@\p{C}]+@[^\s@\p{C}]+$/u), 'email', 'contact', 'partial', 'an e-mail address, as in "a@b.example"');
export const phone = () => sealed(z.string().max(40).regex(/^[+\d][\d ()./-]{2,}$/), 'phone', 'contact', 'last-4', 'a telephone number of digits, spaces and "+()./-"');
export const address = () => sealed(z.string().min(1).max(500), 'address', 'contact', 'full', 'a postal address of 1 to 500 characters');
export const ip = () => sealed(z.string().max(45).regex(/^[0-9a-fA-F.:]{2,}$/), 'ip', 'network', 'full', 'an IPv4 or IPv6 address');

const identifier = (schema: z.ZodString, kind: IdentifierKind, purpose: PurposeClass, kept: 'no' | 'sealed', description: string) =>
  schema.meta({ privacy: { kind: 'identifier', identifier: kind, category: kind, purpose, kept } satisfies PrivacyAnnotation, description });

export const customerNumber = (kept: 'no' | 'sealed' = 'no') => identifier(printable(128), 'customer-number', 'identity', kept, 'a customer number of 1 to 128 characters');
export const customerEmail = (kept: 'no' | 'sealed' = 'no') =>
  identifier(z.string().max(254).regex(/^[^\s@\p{C}]+@[^\s@\p{C}]+$/u), 'email', 'contact', kept, 'an e-mail address, as in "a@b.example"');
export const visitorId = () => identifier(printable(128), 'visitor-id', 'identity', 'no', 'a visitor id of 1 to 128 characters');

/** A person by at least one identifier; stored as `{ ref }`. `minProperties` reaches the JSON Schema, which is what validates. */
export const customer = () => z.object({ number: customerNumber().optional(), email: customerEmail().optional() }).meta({ minProperties: 1, description: 'a customer with at least one of number and email' });

/** A browser or app, by the tracker's own id; stored as `{ ref }`. */
export const visitor = () => z.object({ id: visitorId() });
