import { Counter, type Registry } from 'prom-client';
import { DomainError, isDomainError, type Clock } from '@millrace/kernel';
import { INTAKE_LIMITS, readEventRequest, takeIn, type EventRequest, type IntakePorts, type IntakeReport, type RawEvent, type SourceGrant } from '@millrace/intake';
import { HttpProblem } from '@millrace/service-kit';
import type { SourceKeys } from '../sources/source-keys.ts';
import type { InFlight } from './in-flight.ts';

/** Requests that can't be read and have a status of their own; the other codes are plain 400s. */
const STATUS_OF: Readonly<Record<string, number>> = { 'content-type-unsupported': 415, 'content-encoding-unsupported': 415, 'body-too-large': 413, 'events-too-many': 413 };

const readOrProblem = async (request: EventRequest): Promise<RawEvent[]> => {
  try {
    return await readEventRequest(request);
  } catch (error) {
    const status = isDomainError(error) ? STATUS_OF[error.code] : undefined;
    throw status === undefined || !isDomainError(error) ? error : new HttpProblem(status, error.code, error.message);
  }
};

const TENANT_HEADER = 'millrace-tenant';

const refuseOtherTenant = (grant: SourceGrant, header: string | readonly string[] | undefined): void => {
  if (header === undefined || header === grant.tenant) return;
  throw new DomainError('forbidden', 'tenant-not-granted', { source: grant.name }, `The request names another tenant (${TENANT_HEADER}) than its source key belongs to. Nothing was taken in; use a key of that tenant.`);
};

/** Where a request's events are received: who brings them, the receipt, the pipeline, the tally. */
export class IntakeDesk {
  private readonly tally: Counter<'outcome'>;
  private readonly droppedFields: Counter;

  constructor(private readonly sources: SourceKeys, private readonly ports: IntakePorts, private readonly inFlight: InFlight, private readonly clock: Clock, registry: Registry) {
    this.tally = new Counter({ name: 'millrace_intake_events_total', help: 'Events answered, by outcome', labelNames: ['outcome'], registers: [registry] });
    this.droppedFields = new Counter({ name: 'millrace_intake_dropped_fields_total', help: 'Unnamed fields left out of stored events', registers: [registry] });
  }

  /**
   * Takes in one request. The receipt is counted before anything is decided, so that an event lost on the way shows as unanswered.
   * Errors: HttpProblem 401, 413, 415, 429; DomainError `invalid` (can't be read), `forbidden` (may not be made), `unavailable`.
   */
  async take(request: EventRequest, traceparent: string | undefined): Promise<IntakeReport> {
    const grant = await this.sources.grantOf(textOf(request.headers['authorization']));
    refuseOtherTenant(grant, request.headers[TENANT_HEADER]);
    // What gzip unpacks to is unknown before, and at most the limit.
    const bytes = request.headers['content-encoding'] === undefined ? request.body.length : INTAKE_LIMITS.maxBytes;
    return this.inFlight.run(bytes, async () => {
      const raws = await readOrProblem(request);
      const receipt = raws.length > 0 ? await this.ports.store.recordReceipt(grant.tenant, grant.name, raws.length) : undefined;
      const report = await takeIn(this.ports, raws, { grant, receivedMs: this.clock.now().getTime(), receipt, ...(traceparent === undefined ? {} : { traceparent }) });
      for (const { outcome } of report.outcomes) this.tally.inc({ outcome });
      this.droppedFields.inc(report.dropped);
      return report;
    });
  }
}

const textOf = (header: string | readonly string[] | undefined): string | undefined => (typeof header === 'string' ? header : header?.[0]);
