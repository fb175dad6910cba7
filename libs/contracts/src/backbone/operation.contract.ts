import { z } from 'zod';
import { byFields, defineContract } from '../define-contract.ts';
import { code, contextName, digest, eventId, id, integer, position, shardNumber, text } from '../field.ts';

// What happened to the logs themselves and to those who read them. `reason` is an operator's own words: bounded, and never about a person.

/** What a side came to, in the words of the difference's kind: counts, positions, hashes. */
const side = () => text(500);
const reason = () => text(500);
const log = { context: contextName(), shard: shardNumber() };

const recovered = z.object({
  ...log, epoch: position(1), previousEpoch: position(1), head: position(0), previousHead: position(0).optional(),
  lastCosigned: z.object({ size: position(0), root: digest() }).optional(),
  reason: reason(),
});
const shardsRaised = z.object({ context: contextName(), from: integer(1, 10_000), to: integer(2, 10_000) });
const archived = z.object({ ...log, from: position(1), to: position(1), sha256: digest(), bytes: position(0) });
const discarded = z.object({ service: code(), consumer: id(), ...log, position: position(1), eventId: eventId(), reason: reason() });
const switched = z.object({ service: code(), projection: id(), from: integer(0, 1_000_000), to: integer(1, 1_000_000) });
const difference = z.object({ kind: code(), about: id(), expected: side(), actual: side() });

export type LogRecovered = z.infer<typeof recovered>;
export type LogShardsRaised = z.infer<typeof shardsRaised>;
export type RangeArchived = z.infer<typeof archived>;
export type ParkedEventDiscarded = z.infer<typeof discarded>;
export type ProjectionSwitched = z.infer<typeof switched>;
/** Found and settled have the same fields: settled says what both sides came to. */
export type DifferenceFound = z.infer<typeof difference>;

const logStream = byFields('log', 'context', 'shard');

export const operationContracts = [
  defineContract({ type: 'backbone.log.recovered', version: 1, summary: 'A log\'s epoch was renewed after it and its readers had parted; `head` is where it stood then, `previousHead` the furthest any reader had seen.', schema: recovered, stream: logStream }),
  defineContract({ type: 'backbone.log.shards-raised', version: 1, summary: 'New streams of a context spread over more shards; streams that exist stay where they are.', schema: shardsRaised, stream: byFields('context', 'context') }),
  defineContract({ type: 'backbone.range.archived', version: 1, summary: 'Positions from..to (both included) of a log moved to a Parquet segment named by its hash.', schema: archived, stream: logStream }),
  defineContract({ type: 'backbone.parked-event.discarded', version: 1, summary: 'A consumer will never apply an event it could not apply.', schema: discarded, stream: byFields('parked-event', 'service', 'consumer', 'context', 'shard', 'position') }),
  defineContract({ type: 'backbone.projection.switched', version: 1, summary: 'Reads moved to another version of a projection; `from` is 0 when there was none.', schema: switched, stream: byFields('projection', 'service', 'projection') }),
  defineContract({ type: 'backbone.difference.found', version: 1, summary: 'Two counts that must agree do not: about a source, a log or a consumer.', schema: difference, stream: byFields('difference', 'kind', 'about') }),
  defineContract({ type: 'backbone.difference.settled', version: 1, summary: 'A difference that was found is gone.', schema: difference, stream: byFields('difference', 'kind', 'about') }),
];
