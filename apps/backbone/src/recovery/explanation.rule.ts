import type { ConsumerExplanation, LogExplanation, PositionRange } from '@millrace/contracts';
import { logName, type LogEpoch, type Position } from '@millrace/kernel';
import type { ConsumerEvidence, LogEvidence } from './log-evidence.model.ts';

const range = (from: Position, to: Position): PositionRange | undefined => (to < from ? undefined : { from, to, events: to - from + 1 });

const optional = <K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> => (value === undefined ? {} : { [key]: value } as Record<K, V>);

/** Through where a consumer's events are the log's. Its own leaf tells of one position; the stream, where it kept them, of the rest. */
const agreementOf = ({ head, stream }: LogEvidence, consumer: ConsumerEvidence): { agreesThrough: Position; exact: boolean } => {
  if (consumer.agrees || consumer.position === 0) return { agreesThrough: consumer.position, exact: true };
  const most = Math.min(consumer.position - 1, head);
  if (!stream || !consumer.onStream) return { agreesThrough: most, exact: most === 0 };
  const through = Math.min(most, stream.agreesThrough);
  return { agreesThrough: through, exact: through >= stream.first || stream.first === 1 };
};

const consumerExplanation = (evidence: LogEvidence, consumer: ConsumerEvidence): ConsumerExplanation => {
  const { agreesThrough, exact } = agreementOf(evidence, consumer);
  const base = { name: consumer.name, epoch: consumer.epoch, position: consumer.position, state: consumer.state, agreesThrough, exact };
  if (consumer.agrees || consumer.position === 0) return { ...base, action: 'goes-on', ...optional('appliesAnew', range(consumer.position + 1, evidence.head)) };
  return {
    ...base, action: 'starts-over', ...optional('loses', range(agreesThrough + 1, consumer.position)), ...optional('repeats', range(1, agreesThrough)),
    ...optional('appliesAnew', range(agreesThrough + 1, evidence.head)),
  };
};

const streamReason = ({ log, epoch, head, stream }: LogEvidence): string | undefined => {
  if (!stream) return undefined;
  if (epoch === undefined) return `the bus has a stream of epoch ${stream.epoch} that ends at ${stream.last}, the event database has no log ${logName(log)}`;
  if (stream.epoch > epoch) return `the bus has a stream of epoch ${stream.epoch} that ends at ${stream.last}, the log is of the older epoch ${epoch}`;
  if (stream.epoch < epoch) return undefined;
  if (stream.last > head) return `the stream ends at ${stream.last}, ahead of the log, which ends at ${head}`;
  if (stream.agreesThrough < stream.last) return `stream and log hold different events from position ${stream.agreesThrough + 1} on`;
  return undefined;
};

const consumerReason = ({ log, epoch, head }: LogEvidence, consumer: ConsumerEvidence): string | undefined => {
  if (consumer.position === 0) return undefined;
  if (epoch === undefined) return `${consumer.name} stands at ${consumer.position}, the event database has no log ${logName(log)}`;
  if (consumer.epoch !== epoch) return `${consumer.name} stands at ${consumer.position} of epoch ${consumer.epoch}, the log is of epoch ${epoch}`;
  if (consumer.position > head) return `${consumer.name} stands at ${consumer.position}, ahead of the log, which ends at ${head}`;
  if (!consumer.agrees) return `${consumer.name} has applied another event at position ${consumer.position} than the log holds there`;
  return undefined;
};

/** A consumer of an epoch before one that a recovery made follows by itself. */
const follows = ({ epoch }: LogEvidence, recovery: LogEpoch | undefined, consumer: ConsumerEvidence): boolean => recovery !== undefined && epoch !== undefined && consumer.epoch < epoch;

/** What parted, and what mending it does to each reader. Pure: the same evidence is always explained the same. */
export const explain = (evidence: LogEvidence): LogExplanation => {
  const { log, epoch, head, stream, recoveries } = evidence;
  const recovery = recoveries.find((made) => made.epoch === epoch);
  const ofStream = streamReason(evidence);
  const ofConsumers = evidence.consumers.flatMap((consumer) => {
    const reason = consumerReason(evidence, consumer);
    return reason === undefined ? [] : [{ reason, follows: follows(evidence, recovery, consumer) }];
  });
  const unmended = ofStream !== undefined || ofConsumers.some((one) => !one.follows);
  const consumers = evidence.consumers.map((consumer) => consumerExplanation(evidence, consumer));
  // A stream of an older epoch is history; one of this epoch or a later one shows what others may have seen.
  const living = stream && stream.epoch >= (epoch ?? 0) ? stream : undefined;
  return {
    tenant: log.tenant, log: logName(log), state: unmended ? 'diverged' : ofConsumers.length > 0 ? 'recovering' : 'agrees', epoch: epoch ?? 0, head,
    reasons: [...(ofStream === undefined ? [] : [ofStream]), ...ofConsumers.map(({ reason }) => reason)],
    agreesThrough: Math.min(head, ...(living ? [living.agreesThrough] : []), ...consumers.filter(({ action }) => action === 'starts-over').map((consumer) => consumer.agreesThrough)),
    previousHead: Math.max(head, living?.last ?? 0, ...consumers.map(({ position }) => position)),
    greatestEpoch: Math.max(epoch ?? 0, stream?.epoch ?? 0, ...consumers.map((consumer) => consumer.epoch)),
    ...(stream ? { stream: { epoch: stream.epoch, first: stream.first, last: stream.last, agreesThrough: stream.agreesThrough } } : {}),
    consumers, silent: evidence.silent, ...(recovery ? { recovery } : {}),
  };
};
