import { BUSINESS_CONTEXTS, isContext, type Context, type Tenant } from '@millrace/kernel';
import { DEFAULT_EARLIEST_MS_BACK, DEFAULT_LATEST_AHEAD_MS, parseTime, type TimeLimits } from './event-time.rule.ts';
import { reject } from './rejection.ts';

/** What a source key may bring. */
export interface SourceGrant {
  readonly tenant: Tenant;
  /** Name of the source: stands in the envelope as `via`, and accounting is kept by it. */
  readonly name: string;
  /** Types (`sales.order.placed`) or prefixes (`clickstream.*`); undefined = every type its contexts allow. */
  readonly types?: readonly string[];
  /** Contexts the source is the system of record for. */
  readonly recordOf: readonly Context[];
  /** RFC 3339; undefined = 400 days before receipt. */
  readonly earliest?: string;
  /** Undefined = 5 minutes. */
  readonly latestAheadMs?: number;
}

/** Only their system of record may state facts of these; a tracker's view of a sale is clickstream (ARCHITECTURE section 3). */
const RECORD_CONTEXTS: readonly string[] = ['sales', 'customer', 'inventory', 'merchandise'];

const covers = (pattern: string, type: string): boolean => (pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type);

/** Undefined when the source may bring events of this type; else `type-not-granted` or `context-not-granted`. */
export const refuseUngranted = (grant: SourceGrant, type: string): ReturnType<typeof reject> | undefined => {
  const context = type.slice(0, type.indexOf('.'));
  if (!isContext(context) || !BUSINESS_CONTEXTS.includes(context)) {
    return reject('/type', 'context-not-granted', 'Only facts of the business contexts come from outside; the platform states the others itself.');
  }
  if (grant.types && !grant.types.some((pattern) => covers(pattern, type))) {
    return reject('/type', 'type-not-granted', 'The source key does not cover this type; use a key that does, or have its types extended.');
  }
  if (RECORD_CONTEXTS.includes(context) && !grant.recordOf.includes(context)) {
    return reject('/type', 'context-not-granted', `The source key is not the system of record for ${context}; send clickstream facts, or use a key with record-of ${context}.`);
  }
  return undefined;
};

/** The grant's limits on time for a request received at `receivedMs`. */
export const timeLimitsOf = (grant: SourceGrant, receivedMs: number): TimeLimits => ({
  earliestMs: (grant.earliest === undefined ? undefined : parseTime(grant.earliest)) ?? receivedMs - DEFAULT_EARLIEST_MS_BACK,
  latestAheadMs: grant.latestAheadMs ?? DEFAULT_LATEST_AHEAD_MS,
});
