import { DomainError, isContext, parseEventType, type Epoch, type LogKey } from '@millrace/kernel';

/** `EVT_<tenant>_<context>_<shard>_<epoch>`: one JetStream stream per log and epoch. */
export const streamNameOf = (log: LogKey, epoch: Epoch): string => `EVT_${log.tenant}_${log.context}_${log.shard}_${epoch}`;

const STREAM_NAME = /^EVT_([a-z0-9-]{1,32})_([a-z][a-z0-9-]*)_(\d{1,4})_(\d{1,16})$/;

/** Reads `streamNameOf`'s form; undefined for a stream that is not a log's. */
export const parseStreamName = (name: string): { readonly log: LogKey; readonly epoch: Epoch } | undefined => {
  const [, tenant, context, shard, epoch] = STREAM_NAME.exec(name) ?? [];
  if (tenant === undefined || context === undefined || !isContext(context)) return undefined;
  return { log: { tenant, context, shard: Number(shard) }, epoch: Number(epoch) };
};

/** Instances of one service that may read side by side: each has consumers of its own, and permissions are lists of names. */
export const MAX_INSTANCES = 4;

/** A JetStream consumer's name: two instances sharing one would each get a part of the log. Instance 0 is the service itself. */
export const consumerNameOf = (service: string, instance = 0): string => {
  if (Number.isInteger(instance) && instance >= 0 && instance < MAX_INSTANCES) return instance === 0 ? service : `${service}-${instance}`;
  throw new DomainError('invalid', 'instance-out-of-range', { instance }, `Expected an instance from 0 to ${MAX_INSTANCES - 1}; got ${instance}. Give each running instance of ${service} a number of its own.`);
};

/** The whole of a log: what its stream listens to and what every consumer filters on. */
export const logSubjectFilter = (log: LogKey, epoch: Epoch): string => `evt.${log.tenant}.${log.context}.${log.shard}.${epoch}.>`;

export const eventSubject = (log: LogKey, epoch: Epoch, type: string): string => {
  const parts = parseEventType(type);
  if (!parts) throw new DomainError('invalid', 'event-type-malformed', { length: type.length }, 'An event type is <context>.<aggregate>.<past-fact> in lower kebab-case.');
  return `evt.${log.tenant}.${log.context}.${log.shard}.${epoch}.${parts.aggregate}.${parts.fact}`;
};
