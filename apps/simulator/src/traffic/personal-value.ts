import type { OutgoingEvent } from './outgoing.ts';

export interface PersonalValue {
  readonly category: string;
  readonly value: string;
}

const CATEGORY: Readonly<Record<string, string>> = {
  number: 'customer-number', name: 'name', email: 'email', phone: 'phone', address: 'address', visitorId: 'visitor-id', forwardedBy: 'email',
};
/** Objects in which those keys belong to a person (a product has a name as well). */
const PEOPLE = new Set(['customer', 'contact']);

const valuesIn = (holder: object): PersonalValue[] => Object.entries(holder).flatMap(([key, value]) =>
  (CATEGORY[key] !== undefined && typeof value === 'string' && value.length >= 12 ? [{ category: CATEGORY[key], value }] : []));

/** Every personal value an event carries, wherever it was put: what must be found nowhere in the platform's files. */
export const personalValuesIn = (event: OutgoingEvent): PersonalValue[] => {
  const { visitor, forwardedBy, ...rest } = event.data;
  const inPeople = Object.entries(rest).flatMap(([key, value]) => (PEOPLE.has(key) && typeof value === 'object' && value !== null ? valuesIn(value) : []));
  const visitorId = typeof visitor === 'object' && visitor !== null && 'id' in visitor ? valuesIn({ visitorId: visitor.id }) : [];
  return [...inPeople, ...visitorId, ...valuesIn({ forwardedBy })];
};
