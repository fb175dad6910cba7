import { upcast, type CurrentData, type EventData } from '@millrace/contracts';
import { isDomainError, isRedacted, logName, type Envelope, type StoredEvent } from '@millrace/kernel';

/** An event as the API shows it: exact bytes as parsed JSON, hashes as hex, sealed fields as sealed. */
export interface EventView {
  readonly log: string;
  readonly position: number;
  readonly epoch: number;
  readonly streamVersion: number;
  readonly leaf: string;
  readonly salt: string;
  readonly envelope: Envelope;
  /** As stored, in the envelope's version. */
  readonly data: unknown;
  /** How it is read today, when its type has a newer version than it was stored in. */
  readonly current?: CurrentData;
  /** Code of what keeps it from being read today, instead of `current`: it is shown as stored all the same. */
  readonly unreadable?: string;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const currentOf = (event: StoredEvent, data: unknown): Pick<EventView, 'current' | 'unreadable'> => {
  const { type, version } = event.envelope;
  if (isRedacted(event)) return { unreadable: 'event-redacted' };
  try {
    const current = upcast(type, version, data as EventData);
    return current.version === version ? {} : { current };
  } catch (error) {
    if (!isDomainError(error)) throw error;
    return { unreadable: error.code };
  }
};

export const toEventView = (event: StoredEvent): EventView => {
  const data: unknown = JSON.parse(Buffer.from(event.data).toString('utf8'));
  return {
    log: logName(event.log), position: event.position, epoch: event.epoch, streamVersion: event.streamVersion,
    leaf: hex(event.leaf), salt: hex(event.salt), envelope: event.envelope, data, ...currentOf(event, data),
  };
};
