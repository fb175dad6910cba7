import type { Epoch, LogKey, Position } from '@millrace/kernel';
import { logSubjectFilter, streamNameOf } from './subject.ts';

/** How much of a log its stream keeps; older events are read from Postgres. */
export interface StreamLimits {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/**
 * 256 MiB is some 300,000 orders, and small enough that thirty logs fit a modest disk (JetStream reserves it); a week covers any consumer's
 * usual absence. Whoever was away longer reads Postgres: slower, never wrong.
 */
export const DEFAULT_STREAM_LIMITS: StreamLimits = { maxBytes: 256 * 1024 * 1024, maxAgeMs: 7 * 24 * 3600 * 1000 };

/** Named in a stream's metadata: the form of its messages (message.ts). Raised when they change; the relay then fills a stream of another form anew. */
export const MESSAGE_FORM = { key: 'millrace-message', value: '2' } as const;

/** The wire form of JetStream's StreamConfig, as far as a log needs it; durations in nanoseconds. */
export interface LogStreamConfig {
  readonly name: string;
  readonly subjects: string[];
  readonly first_seq: number;
  readonly storage: 'file';
  readonly retention: 'limits';
  readonly discard: 'old';
  readonly max_bytes: number;
  readonly max_age: number;
  readonly num_replicas: number;
  readonly allow_atomic: true;
  readonly allow_direct: true;
  readonly deny_delete: true;
  readonly metadata: Record<string, string>;
}

/** One stream per log and epoch. `firstPosition` becomes the sequence of its first message: sequence and position are one number from then on. */
export const logStreamConfig = (log: LogKey, epoch: Epoch, firstPosition: Position, limits: StreamLimits = DEFAULT_STREAM_LIMITS): LogStreamConfig => ({
  name: streamNameOf(log, epoch),
  subjects: [logSubjectFilter(log, epoch)],
  first_seq: firstPosition,
  storage: 'file', retention: 'limits', discard: 'old',
  max_bytes: limits.maxBytes,
  max_age: limits.maxAgeMs * 1_000_000,
  num_replicas: 1,
  allow_atomic: true, allow_direct: true, deny_delete: true,
  metadata: { 'millrace-tenant': log.tenant, 'millrace-context': log.context, 'millrace-shard': String(log.shard), 'millrace-epoch': String(epoch), [MESSAGE_FORM.key]: MESSAGE_FORM.value },
});
