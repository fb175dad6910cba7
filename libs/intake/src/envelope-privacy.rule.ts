import { holdsEmailAddress } from './email-address.ts';
import { reject } from './rejection.ts';

/** Shorter identifiers stand by chance in other texts: visitor "17" in "order-17". */
export const SHORTEST_COMPARED = 5;

/** True when a value stands in a text as a word of its own. */
export const standsIn = (text: string, value: string): boolean => {
  for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + 1)) {
    if (!/[\p{L}\p{N}]/u.test(text[at - 1] ?? '') && !/[\p{L}\p{N}]/u.test(text[at + value.length] ?? '')) return true;
  }
  return false;
};

/** Attributes that are stored as they come, so that nobody may stand in them. */
export interface PlainAttributes {
  readonly id: string;
  readonly source: string;
  readonly subject?: string;
  readonly causationid?: string;
  readonly correlationid?: string;
}

/**
 * Refuses (`personal-in-envelope`) an e-mail address in an attribute that is stored in clear, or one of the event's own identifiers of
 * five characters or more standing there as a word of its own. Undefined when there is none. It can't know persons the data doesn't name.
 */
export const refusePersonalEnvelope = (attributes: PlainAttributes, values: readonly string[]): ReturnType<typeof reject> | undefined => {
  for (const name of ['id', 'source', 'subject', 'causationid', 'correlationid'] as const) {
    const text = attributes[name];
    if (text === undefined) continue;
    const personal = holdsEmailAddress(text) || values.some((value) => value.length >= SHORTEST_COMPARED && standsIn(text, value));
    if (personal) return reject(`/${name}`, 'personal-in-envelope', `The attribute ${name} holds an identifier of a person, and attributes are stored in clear; use an opaque id and name the person in data.`);
  }
  return undefined;
};
