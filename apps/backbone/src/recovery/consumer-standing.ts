import { askJson, type BusLink } from '@millrace/event-bus';
import { consumersSubject } from '@millrace/service-kit';
import { z } from 'zod';

/** Services that read logs: `asks` in service.yaml. */
export const CONSUMERS = ['analytics', 'warehouse'] as const;

/** A service answers from memory; one that takes longer is as good as away. */
const ANSWER_MS = 3_000;

const count = z.int().min(0);
const standing = z.object({
  tenant: z.string(), log: z.string(), epoch: count, position: count, leaf: z.string().regex(/^[0-9a-f]{64}$/).optional(), state: z.string(), reason: z.string().optional(), parked: count,
  taken: count.optional(), takenFrom: count.optional(),
});
const answer = z.object({ consumers: z.array(standing) });

/** How far a service is in one log, in its own words. */
export type ConsumerStanding = z.infer<typeof standing>;

/** What each reading service answered; `undefined`: it did not. */
export type Standings = ReadonlyMap<string, readonly ConsumerStanding[] | undefined>;

/** Asks every reading service how far it is, side by side. Never throws: who does not answer is left undefined. */
export const askConsumers = async (link: BusLink, services: readonly string[] = CONSUMERS): Promise<Standings> => {
  const asked = services.map(async (service): Promise<[string, readonly ConsumerStanding[] | undefined]> => {
    const reply = await askJson(link, consumersSubject(service), {}, { timeoutMs: ANSWER_MS }).catch(() => undefined);
    const parsed = answer.safeParse(reply);
    return [service, parsed.success ? parsed.data.consumers : undefined];
  });
  return new Map(await Promise.all(asked));
};
