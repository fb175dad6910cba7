import type { IncomingMessage } from 'node:http';
import { Counter, type Registry } from 'prom-client';
import { DomainError, isDomainError, type Clock } from '@millrace/kernel';
import { INTAKE_LIMITS, type Delivery, type EventRequest, type IntakeReport, type SourceGrant } from '@millrace/intake';
import { HttpProblem } from '@millrace/service-kit';
import { announcedBytes, readBytes, type BodyBound } from '../request-bytes.ts';
import type { SourceKeys } from '../sources/source-keys.ts';
import type { InFlight } from './in-flight.ts';

/** Requests that can't be read and have a status of their own; the other codes are plain 400s. */
const STATUS_OF: Readonly<Record<string, number>> = { 'content-type-unsupported': 415, 'content-encoding-unsupported': 415, 'body-too-large': 413, 'events-too-many': 413 };

const problemOf = (error: unknown): unknown => {
  const status = isDomainError(error) ? STATUS_OF[error.code] : undefined;
  return status === undefined || !isDomainError(error) ? error : new HttpProblem(status, error.code, error.message);
};

/** Reads a request and takes its events in: `takeRequest` with its ports, or a thread that runs it. */
export type TakeRequest = (request: EventRequest, delivery: Omit<Delivery, 'receipt'>) => Promise<IntakeReport>;

/** What a body of JSON unpacks to, about: nothing is unpacked to find out. */
const UNPACKS_TO = 8;

/** What a request weighs, in bytes of text: enough to tell a small one from a large one. */
export const weightOf = ({ headers, body }: EventRequest): number => (headers['content-encoding'] === undefined ? body.length : body.length * UNPACKS_TO);

const BODY: BodyBound = { maxBytes: INTAKE_LIMITS.maxBytes, remedy: 'send fewer events per request' };

/** Memory a request may come to need, known before a byte is read: what gzip or chunks hold is unknown, and at most the limit; what is over it is not read. */
const roomFor = (request: IncomingMessage): number => {
  const bytes = request.headers['content-encoding'] === undefined ? announcedBytes(request) : undefined;
  return bytes === undefined ? BODY.maxBytes : bytes > BODY.maxBytes ? 0 : bytes;
};

/** Who takes small requests in, and who those of `largeBytes` and more. */
export interface Intakes {
  readonly small: TakeRequest;
  readonly large: TakeRequest;
  readonly largeBytes: number;
}

const TENANT_HEADER = 'millrace-tenant';

const refuseOtherTenant = (grant: SourceGrant, header: string | readonly string[] | undefined): void => {
  if (header === undefined || header === grant.tenant) return;
  throw new DomainError('forbidden', 'tenant-not-granted', { source: grant.name }, `The request names another tenant (${TENANT_HEADER}) than its source key belongs to. Nothing was taken in; use a key of that tenant.`);
};

/** Where a request's events are received: who brings them, the receipt, the pipeline, the tally. */
export class IntakeDesk {
  private readonly tally: Counter<'outcome'>;
  private readonly droppedFields: Counter;

  constructor(private readonly sources: SourceKeys, private readonly intakes: Intakes, private readonly inFlight: InFlight, private readonly clock: Clock, registry: Registry) {
    this.tally = new Counter({ name: 'millrace_intake_events_total', help: 'Events answered, by outcome', labelNames: ['outcome'], registers: [registry] });
    this.droppedFields = new Counter({ name: 'millrace_intake_dropped_fields_total', help: 'Unnamed fields left out of stored events', registers: [registry] });
  }

  /**
   * Takes in one request: who brings it, whether there is room for it, and only then what it holds.
   * Errors: HttpProblem 401, 413, 415, 429; DomainError `invalid` (can't be read), `forbidden` (may not be made), `unavailable`.
   */
  async take(incoming: IncomingMessage, traceparent: string | undefined): Promise<IntakeReport> {
    const { headers } = incoming;
    const grant = await this.sources.grantOf(textOf(headers['authorization']));
    refuseOtherTenant(grant, headers[TENANT_HEADER]);
    return this.inFlight.run(roomFor(incoming), async () => {
      const request: EventRequest = { headers, body: await readBytes(incoming, BODY) };
      const take = weightOf(request) < this.intakes.largeBytes ? this.intakes.small : this.intakes.large;
      const report = await take(request, { grant, receivedMs: this.clock.now().getTime(), ...(traceparent === undefined ? {} : { traceparent }) }).catch((error: unknown) => { throw problemOf(error); });
      for (const { outcome } of report.outcomes) this.tally.inc({ outcome });
      this.droppedFields.inc(report.dropped);
      return report;
    });
  }
}

const textOf = (header: string | readonly string[] | undefined): string | undefined => (typeof header === 'string' ? header : header?.[0]);
