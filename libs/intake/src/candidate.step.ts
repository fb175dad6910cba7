import { checkData, findContract, knownVersions, type EventContract, type EventData } from '@millrace/contracts';
import { readCloudEvent, type IncomingEvent } from './cloud-event.ts';
import { refusePersonalText } from './data-privacy.rule.ts';
import { deriveEventTime, type EventTime } from './event-time.rule.ts';
import { refusePersonalEnvelope } from './envelope-privacy.rule.ts';
import { INTAKE_LIMITS } from './limits.ts';
import { personalDataOf, type PersonalData } from './personal-data.ts';
import type { RawEvent } from './raw-event.ts';
import { accept, reject, type Checked } from './rejection.ts';
import { refuseUngranted, timeLimitsOf, type SourceGrant } from './source-grant.rule.ts';

/** An event that may be stored as far as its text tells: granted, in time, valid, minimised. Still in clear. */
export interface Candidate {
  readonly incoming: IncomingEvent;
  readonly contract: EventContract;
  readonly time: EventTime;
  /** Minimised and valid. */
  readonly data: EventData;
  readonly personal?: PersonalData;
  /** Attributes and fields left out because nothing names them. */
  readonly dropped: number;
}

const contractOf = ({ type, version }: IncomingEvent): Checked<EventContract> => {
  const contract = findContract(type, version);
  if (contract) return accept(contract);
  const versions = knownVersions(type);
  return versions.length === 0
    ? reject('/type', 'type-unknown', 'No contract has this type; it was kept, and can be replayed once one has.')
    : reject('/version', 'version-unknown', `No contract has this version of the type; known: ${versions.join(', ')}. It was kept, and can be replayed once one has.`);
};

/**
 * One event through attributes, tenant, contract, grant, clock, validation and minimisation, in this order; the first refusal is told.
 * Pure: no port is asked, nothing is stored.
 */
export const toCandidate = (raw: RawEvent, grant: SourceGrant, receivedMs: number): Checked<Candidate> => {
  const read = readCloudEvent(raw);
  if (!read.ok) return read;
  const incoming = read.value;
  if (Buffer.byteLength(incoming.id) > INTAKE_LIMITS.maxNameBytes) return reject('/id', 'attribute-malformed', `An id has at most ${INTAKE_LIMITS.maxNameBytes} bytes in UTF-8; shorten it.`);
  if (incoming.tenant !== undefined && incoming.tenant !== grant.tenant) return reject('/tenant', 'tenant-not-granted', 'The event names another tenant than its source key belongs to; use a key of that tenant.');
  const contract = contractOf(incoming);
  if (!contract.ok) return contract;
  const ungranted = refuseUngranted(grant, incoming.type);
  if (ungranted) return ungranted;
  const time = deriveEventTime(incoming, receivedMs, timeLimitsOf(grant, receivedMs));
  if (!time.ok) return time;
  const checked = checkData(contract.value, incoming.data);
  if (!checked.ok) return reject(`/data${checked.pointer}`, 'data-invalid', `The data does not fit ${incoming.type} version ${incoming.version}: ${checked.reason}.`);
  const personal = personalDataOf(contract.value, checked.data, incoming.id);
  const exposed = refusePersonalEnvelope({ ...incoming, subject: personal ? undefined : incoming.subject }, personal?.values ?? []) ?? refusePersonalText(contract.value, checked.data, personal?.values ?? []);
  if (exposed) return exposed;
  return accept({ incoming, contract: contract.value, time: time.value, data: checked.data, ...(personal ? { personal } : {}), dropped: incoming.dropped.length + checked.dropped.length });
};
