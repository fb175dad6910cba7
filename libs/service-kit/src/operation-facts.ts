import { askJson, type BusLink } from '@millrace/event-bus';
import type { ParkedDiscard, Switched } from '@millrace/event-sourcing';
import { DISCARD_SUBJECT, SWITCH_SUBJECT, type DiscardQuestion, type SwitchQuestion } from '@millrace/contracts';

/**
 * Asks backbone to record a discard in the tenant's log; answers when it is committed. Idempotent per (service, consumer, log, position).
 * Throws what backbone throws, and `unavailable` when it does not answer: then nothing may be discarded.
 */
export const recordDiscard = (link: BusLink, service: string) => async ({ consumer, log, position, eventId, reason }: ParkedDiscard): Promise<void> => {
  const question: DiscardQuestion = { tenant: log.tenant, service, consumer, context: log.context, shard: log.shard, position, eventId, reason };
  await askJson(link, DISCARD_SUBJECT, question);
};

/** Asks backbone to record a switch in the log of every tenant whose numbers it changed. Idempotent per (service, projection, build, vector). */
export const recordSwitch = (link: BusLink, service: string) => async ({ projection, from, to, at }: Switched): Promise<void> => {
  for (const tenant of new Set(at.map((one) => one.tenant))) {
    const vector = Object.fromEntries(at.filter((one) => one.tenant === tenant).map(({ log, position }) => [log, position]));
    const question: SwitchQuestion = { tenant, service, projection, from: from.build, to: to.build, at: vector };
    await askJson(link, SWITCH_SUBJECT, question);
  }
};
