import { z } from 'zod';
import { byFields, defineContract } from '../define-contract.ts';
import { contextName, eventId, position, shardNumber, text } from '../field.ts';

const redacted = z.object({ context: contextName(), shard: shardNumber(), position: position(1), eventId: eventId(), reason: text(500) });

export type EventRedacted = z.infer<typeof redacted>;

export const redactionContracts = [
  defineContract({ type: 'security.event.redacted', version: 1, summary: 'Data and salt of an event gave way to their digest because personal data was found in it too late; its leaf still verifies.', schema: redacted, stream: byFields('event', 'context', 'shard', 'position') }),
];
