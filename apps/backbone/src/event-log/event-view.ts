import { logName, type Envelope, type StoredEvent } from '@millrace/kernel';

/** An event as the API shows it: exact bytes as parsed JSON, hashes as hex, sealed fields as sealed. */
export interface EventView {
  readonly log: string;
  readonly position: number;
  readonly epoch: number;
  readonly streamVersion: number;
  readonly leaf: string;
  readonly salt: string;
  readonly envelope: Envelope;
  readonly data: unknown;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export const toEventView = (event: StoredEvent): EventView => ({
  log: logName(event.log), position: event.position, epoch: event.epoch, streamVersion: event.streamVersion,
  leaf: hex(event.leaf), salt: hex(event.salt), envelope: event.envelope, data: JSON.parse(Buffer.from(event.data).toString('utf8')) as unknown,
});
