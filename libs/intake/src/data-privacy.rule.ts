import { PRIVACY_KEYWORD, type EventContract, type EventData } from '@millrace/contracts';
import { holdsEmailAddress } from './email-address.ts';
import { SHORTEST_COMPARED } from './envelope-privacy.rule.ts';
import { pointerTo, reject } from './rejection.ts';

/** The texts of a contract's data that are stored as they come and in which an address could stand; the rest need no look. */
type Place =
  | { readonly kind: 'text' }
  | { readonly kind: 'object'; readonly fields: readonly (readonly [string, Place])[] }
  | { readonly kind: 'list'; readonly item: Place };

type Node = Readonly<Record<string, unknown>>;

const PROBES = ['a@b.example', '/a@b.example'];

const admitsAddress = ({ type, enum: words, format, pattern }: Node): boolean =>
  type === 'string' && words === undefined && format === undefined && (typeof pattern !== 'string' || PROBES.some((probe) => new RegExp(pattern, 'u').test(probe)));

const placeOf = (node: Node): Place | undefined => {
  const privacy = node[PRIVACY_KEYWORD] as { readonly kind: string } | undefined;
  if (privacy !== undefined) return privacy.kind === 'none' && admitsAddress(node) ? { kind: 'text' } : undefined;
  if (node['items'] !== undefined) {
    const item = placeOf(node['items'] as Node);
    return item && { kind: 'list', item };
  }
  const fields = Object.entries((node['properties'] ?? {}) as Record<string, Node>).flatMap(([name, child]): [string, Place][] => {
    const place = placeOf(child);
    return place ? [[name, place]] : [];
  });
  return fields.length === 0 ? undefined : { kind: 'object', fields };
};

const places = new WeakMap<EventContract, Place>();
const NOTHING: Place = { kind: 'object', fields: [] };

const placesOf = (contract: EventContract): Place => {
  const known = places.get(contract);
  if (known) return known;
  const made = placeOf(contract.jsonSchema) ?? NOTHING;
  places.set(contract, made);
  return made;
};

/** What stands in a list is goods by the thousand, and one of them has a customer's number by chance. */
const NOBODY: readonly string[] = [];

const names = (text: string, value: string): boolean => text === value || (text.includes(value) && text.split('/').includes(value));

/** Pointer of the first text that gives a person away; `own` are their identifiers, and compared with the event's own fields only. */
const exposedAt = (place: Place, value: unknown, own: readonly string[]): string | undefined => {
  if (value === undefined || value === null) return undefined;
  if (place.kind === 'text') return typeof value === 'string' && (holdsEmailAddress(value) || own.some((each) => names(value, each))) ? '' : undefined;
  if (place.kind === 'object') {
    for (const [name, child] of place.fields) {
      const found = exposedAt(child, (value as EventData)[name], own);
      if (found !== undefined) return pointerTo('', name) + found;
    }
    return undefined;
  }
  const list = value as readonly unknown[];
  for (let index = 0; index < list.length; index += 1) {
    const found = exposedAt(place.item, list[index], NOBODY);
    if (found !== undefined) return pointerTo('', index) + found;
  }
  return undefined;
};

/**
 * Refuses (`personal-in-clear`) an e-mail address in a text of the data that is stored in clear, which is also what names the stream, and one of the
 * event's own identifiers of five characters or more as such a text or as a segment of it. Undefined when there is none. `data` must have passed the
 * contract. It can't know persons that the data doesn't name.
 */
export const refusePersonalText = (contract: EventContract, data: EventData, identifiers: readonly string[]): ReturnType<typeof reject> | undefined => {
  const found = exposedAt(placesOf(contract), data, identifiers.filter((value) => value.length >= SHORTEST_COMPARED));
  if (found === undefined) return undefined;
  return reject(`/data${found}`, 'personal-in-clear', 'The field holds an e-mail address or an identifier of the event\'s own person, and is stored in clear. Send an opaque id, or the text without it, and name the person in the fields that are exchanged or sealed (customer, visitor, contact).');
};
