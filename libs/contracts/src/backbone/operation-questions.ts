import { z } from 'zod';

// What services ask backbone to record, since a log of facts of operation has one appender. Asked over NATS, answered after the commit.

export const DISCARD_SUBJECT = 'cmd.backbone.parked-event.discard';
export const SWITCH_SUBJECT = 'cmd.backbone.projection.switch';

const tenant = z.string().max(32);
const name = z.string().min(1).max(100);
const count = z.int().min(0);

/** `reason` is the operator's own words; it must not be about a person. */
export const discardQuestion = z.strictObject({ tenant, service: name, consumer: name, context: name, shard: count, position: count, eventId: z.string().min(1).max(300), reason: z.string().min(1).max(500) });
export type DiscardQuestion = z.infer<typeof discardQuestion>;

/** `from` and `to` are build numbers; `at` is the tenant's vector at the moment of the switch: it tells two switches to one build apart. */
export const switchQuestion = z.strictObject({ tenant, service: name, projection: name, from: count, to: count, at: z.record(z.string().max(60), count) });
export type SwitchQuestion = z.infer<typeof switchQuestion>;
