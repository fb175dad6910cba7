import type { EventContract, EventData } from '@millrace/contracts';
import { purposesOf, type IdentifierValue } from '@millrace/privacy';

/** Purpose of the key behind a subject's part of fingerprints; destroyed with the subject's other keys. */
export const FINGERPRINT_PURPOSE = 'fingerprint';

/** Kind of the stand-in identifier of a person the event does not identify: its own id, so that a retry finds the same subject. */
export const EVENT_KIND = 'event';

/** The personal part of one event's data. */
export interface PersonalData {
  /** In order of preference; the event itself when it holds personal fields of nobody it names. */
  readonly identifiers: readonly IdentifierValue[];
  /** Data keys wanted, `fingerprint` included. */
  readonly purposes: readonly string[];
  /** Identifier values as they came: they must not stand in the envelope. */
  readonly values: readonly string[];
}

interface Plan {
  readonly fields: readonly { readonly segments: readonly string[]; readonly identifier?: string }[];
  readonly purposes: readonly string[];
}

const plans = new WeakMap<EventContract, Plan>();

const planOf = (contract: EventContract): Plan => {
  const known = plans.get(contract);
  if (known) return known;
  const plan = {
    fields: contract.protectedFields.map(({ pointer, annotation }) => ({
      segments: pointer.slice(1).split('/').map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~')),
      ...(annotation.kind === 'identifier' ? { identifier: annotation.identifier } : {}),
    })),
    purposes: [...purposesOf(contract.protectedFields), FINGERPRINT_PURPOSE],
  };
  plans.set(contract, plan);
  return plan;
};

const isObject = (value: unknown): value is EventData => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A copy of `node` with the values at a pointer's places replaced; `*` stands for every element; absent and null places stay. */
const replaceAt = (node: unknown, segments: readonly string[], at: number, change: (value: unknown) => unknown): unknown => {
  if (at === segments.length) return node === null ? null : change(node);
  const name = segments[at]!;
  if (Array.isArray(node)) return name === '*' ? node.map((element) => replaceAt(element, segments, at + 1, change)) : node;
  if (!isObject(node) || !Object.hasOwn(node, name)) return node;
  return { ...node, [name]: replaceAt(node[name], segments, at + 1, change) };
};

/** `data` with every personal field changed; `change` sees each value once, in the contract's order. */
export const replacePersonal = (contract: EventContract, data: EventData, change: (value: unknown) => unknown): EventData =>
  planOf(contract).fields.reduce<EventData>((changed, { segments }) => replaceAt(changed, segments, 0, change) as EventData, data);

const visitAt = (node: unknown, segments: readonly string[], at: number, visit: (value: unknown) => void): void => {
  if (node === null || node === undefined) return;
  if (at === segments.length) return visit(node);
  if (Array.isArray(node)) for (const element of node as unknown[]) visitAt(element, segments, at + 1, visit);
  else if (isObject(node) && Object.hasOwn(node, segments[at]!)) visitAt(node[segments[at]!], segments, at + 1, visit);
};

/** What of an event is personal, by its contract; undefined when nothing is. `data` must have passed the contract. */
export const personalDataOf = (contract: EventContract, data: EventData, eventId: string): PersonalData | undefined => {
  if (contract.protectedFields.length === 0) return undefined;
  const plan = planOf(contract);
  const identifiers: IdentifierValue[] = [];
  let found = false;
  for (const { segments, identifier } of plan.fields) {
    visitAt(data, segments, 0, (value) => {
      found = true;
      if (identifier !== undefined && typeof value === 'string') identifiers.push({ kind: identifier, value });
    });
  }
  if (!found) return undefined;
  const values = identifiers.map(({ value }) => value);
  return { identifiers: identifiers.length > 0 ? identifiers : [{ kind: EVENT_KIND, value: eventId }], purposes: plan.purposes, values };
};
