import { randomUUID } from 'node:crypto';
import { CONTRACTS } from '@millrace/contracts';
import type { RejectToKeep } from '@millrace/event-store';
import type { Json, Tenant } from '@millrace/kernel';
import { openBytes, sealBytes, type SubjectKeyProvider, type SubjectKeys } from '@millrace/privacy';
import { SHORTEST_COMPARED, standsIn } from './envelope-privacy.rule.ts';
import type { RawEvent } from './raw-event.ts';
import { keepablePointer, type Rejection } from './rejection.ts';
import type { SourceGrant } from './source-grant.rule.ts';

const QUARANTINE = 'quarantine';

/** An event that was refused and why. */
export interface RefusedEvent {
  readonly raw: RawEvent;
  readonly rejection: Rejection;
}

const monthOf = (receivedAt: string): string => receivedAt.slice(0, 7);

const quarantineKey = async (keys: SubjectKeyProvider, tenant: Tenant, month: string): Promise<SubjectKeys> =>
  (await keys.resolve(tenant, [{ identifiers: [{ kind: QUARANTINE, value: month }], purposes: [QUARANTINE] }]))[0]!;

const boundTo = (tenant: Tenant, rejectId: string): Buffer => Buffer.from(JSON.stringify({ reject: rejectId, tenant }));

/** Fields of data below which any contract has persons: what a refused event has there may be anything. */
const PERSONS = new Set(CONTRACTS.flatMap(({ protectedFields }) => protectedFields.map(({ pointer }) => pointer.split('/')[1])));

const textsIn = (value: Json | undefined): string[] => {
  if (typeof value === 'string' || typeof value === 'number') return [String(value)];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
};

/** What may identify somebody in an event that nobody checked. */
const identifiersIn = ({ data }: RawEvent): string[] => {
  if (typeof data !== 'object' || data === null) return [];
  return Object.entries(data).filter(([name]) => PERSONS.has(name)).flatMap(([, value]) => textsIn(value)).filter((text) => text.length >= SHORTEST_COMPARED);
};

/** Attributes worth listing beside a reject, when they are harmless: a text with "@" or "%40" may be an address, and none may name who is in the data. */
const listed = (value: unknown, persons: readonly string[]): string | undefined =>
  (typeof value === 'string' && value.length <= 256 && /^[\w./:-]+$/.test(value) && !persons.some((person) => standsIn(value, person)) ? value : undefined);

/**
 * Rejected events as the store keeps them: each whole body sealed under the key of the tenant's quarantine subject of this month, so
 * that destroying that subject empties the month. Pointer and reason hold no value of the event; id and type are listed only when they
 * are of harmless form and name nobody in the data. DomainError `unavailable` when the key can't be had. Each call makes new reject ids.
 */
export const quarantine = async (keys: SubjectKeyProvider, grant: SourceGrant, receivedAt: string, refused: readonly RefusedEvent[]): Promise<RejectToKeep[]> => {
  if (refused.length === 0) return [];
  const { tenant, name } = grant;
  const { ref, keys: dataKeys } = await quarantineKey(keys, tenant, monthOf(receivedAt));
  const { key, epoch } = dataKeys.get(QUARANTINE)!;
  return refused.map(({ raw, rejection }) => {
    const rejectId = randomUUID();
    const { id, type, version } = raw.attributes;
    const persons = identifiersIn(raw);
    const box = sealBytes(key, raw.bytes, boundTo(tenant, rejectId)).toString('base64url');
    return {
      tenant, via: name, rejectId, eventId: exposes(rejection) ? undefined : listed(id, persons), type: listed(type, persons), version: typeof version === 'number' && Number.isSafeInteger(version) ? version : undefined,
      pointer: keepablePointer(rejection.pointer), code: rejection.code, reason: rejection.reason, receivedAt,
      body: Buffer.from(JSON.stringify({ subject: ref, purpose: QUARANTINE, epoch, box })),
    };
  });
};

const exposes = (rejection: Rejection): boolean => rejection.code === 'personal-in-envelope';

/** The event of a kept reject as it came; DomainError `invalid` (`sealed-value-damaged`) when altered or moved to another reject. */
export const openReject = (key: Uint8Array, reject: Pick<RejectToKeep, 'tenant' | 'rejectId' | 'body'>): Buffer => {
  const { box } = JSON.parse(Buffer.from(reject.body).toString('utf8')) as { box: string };
  return openBytes(key, Buffer.from(box, 'base64url'), boundTo(reject.tenant, reject.rejectId));
};
