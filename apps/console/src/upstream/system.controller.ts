import { Controller, Get, Inject, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Public } from '@millrace/service-kit';
import { SessionGuard } from '../session/session-guard.ts';
import { passedOn } from './browser-request.ts';
import { SERVICES, Upstream, type UpstreamName, type UpstreamRequest } from './upstream.ts';

export interface ServiceHealth {
  readonly name: string;
  readonly healthy: boolean;
  /** Failing readiness checks by name; empty when healthy. */
  readonly problems: Readonly<Record<string, string>>;
}

/** A hanging service shows as unhealthy instead of holding the page. */
const HEALTH_TIMEOUT_MS = 1500;
/** A part that takes longer is missing from this answer: the rest must not wait for it. */
const PART_TIMEOUT_MS = 3000;

/** Asks for one part of the page; what can't be had is `undefined`, and its name is kept. */
type Ask = (what: string, service: UpstreamName, path: string, query?: UpstreamRequest['query']) => Promise<object | undefined>;

/** Health of the services, logs with their consumers, accounting per source, and the event database's oldest snapshot: one answer for the system page. */
@Public()
@UseGuards(SessionGuard)
@Controller('api/system')
export class SystemController {
  constructor(@Inject(Upstream) private readonly upstream: Upstream) {}

  @Get()
  async system(@Req() request: FastifyRequest): Promise<unknown> {
    const { query, signal } = passedOn(request);
    const failed: string[] = [];
    const ask = this.asking(signal, failed);
    const [services, supervised, consumers, snapshot, ...parts] = await Promise.all([
      Promise.all(SERVICES.map((name) => this.health(name))),
      this.upstream.addressOf('supervisor') === undefined ? undefined : ask('memory and restarts', 'supervisor', '/v1/status'),
      Promise.all((['analytics', 'warehouse'] as const).map(async (name) => ({ name, ...await ask(`positions of ${name}`, name, '/v1/consumers', query) }))),
      ask('event database', 'backbone', '/v1/snapshots'),
      ask('logs', 'backbone', '/v1/logs', query),
      ask('sources', 'ingestion', '/v1/accounting', query),
      ask('accounting', 'backbone', '/v1/differences', query),
    ]);
    // This process is the one that answers: what it says of itself can only be that it does.
    return { ...Object.assign({}, ...parts), services: [{ name: 'console', healthy: true, problems: {} }, ...services], ...(supervised && 'services' in supervised ? { processes: supervised.services } : {}), consumers, snapshot, failed };
  }

  private asking(signal: AbortSignal | undefined, failed: string[]): Ask {
    return async (what, service, path, query) => {
      try {
        const answer = await this.upstream.json(service, path, { ...(query ? { query } : {}), ...(signal ? { signal } : {}), timeoutMs: PART_TIMEOUT_MS });
        return typeof answer === 'object' && answer !== null ? answer : {};
      } catch {
        failed.push(what);
        return undefined;
      }
    };
  }

  private async health(name: UpstreamName): Promise<ServiceHealth> {
    try {
      const response = await this.upstream.open(name, '/ready', { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
      const body = await response.json() as { checks?: Record<string, string> };
      return { name, healthy: response.ok, problems: response.ok ? {} : body.checks ?? { ready: String(response.status) } };
    } catch {
      return { name, healthy: false, problems: { answers: 'no answer' } };
    }
  }
}
