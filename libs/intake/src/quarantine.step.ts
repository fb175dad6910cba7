import { randomUUID } from 'node:crypto';
import type { RejectToKeep } from '@millrace/event-store';
import type { Tenant } from '@millrace/kernel';
import { openBytes, sealBytes, type SubjectKeyProvider, type SubjectKeys } from '@millrace/privacy';
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

/** Attributes worth listing beside a reject, when they are harmless: a text with "@" may be an address. */
const listed = (value: unknown): string | undefined => (typeof value === 'string' && value.length <= 256 && /^[\w./:-]+$/.test(value) ? value : undefined);

/**
 * Rejected events as the store keeps them: each whole body sealed under the key of the tenant's quarantine subject of this month, so
 * that destroying that subject empties the month. Pointer and reason hold no value of the event; id and type are listed only when they
 * are of harmless form. DomainError `unavailable` when the key can't be had. Each call makes new reject ids.
 */
export const quarantine = async (keys: SubjectKeyProvider, grant: SourceGrant, receivedAt: string, refused: readonly RefusedEvent[]): Promise<RejectToKeep[]> => {
  if (refused.length === 0) return [];
  const { tenant, name } = grant;
  const { ref, keys: dataKeys } = await quarantineKey(keys, tenant, monthOf(receivedAt));
  const { key, epoch } = dataKeys.get(QUARANTINE)!;
  return refused.map(({ raw, rejection }) => {
    const rejectId = randomUUID();
    const { id, type, version } = raw.attributes;
    const box = sealBytes(key, raw.bytes, boundTo(tenant, rejectId)).toString('base64url');
    return {
      tenant, via: name, rejectId, eventId: exposes(rejection) ? undefined : listed(id), type: listed(type), version: typeof version === 'number' && Number.isSafeInteger(version) ? version : undefined,
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
