import { Controller, Get, Inject, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Public } from '@millrace/service-kit';
import { SessionGuard } from '../session/session-guard.ts';
import { queryOf } from './query-pairs.ts';
import { Upstream, type UpstreamName } from './upstream.ts';

export interface ServiceHealth {
  readonly name: string;
  readonly healthy: boolean;
  /** Failing readiness checks by name; empty when healthy. */
  readonly problems: Readonly<Record<string, string>>;
}

const SERVICES: readonly UpstreamName[] = ['ingestion', 'security', 'backbone', 'analytics', 'warehouse'];
/** Below the console's refresh, so that a hanging service shows as unhealthy instead of holding the page. */
const HEALTH_TIMEOUT_MS = 2000;

/** Health of the services, logs with their consumers, accounting per source, and the event database's oldest snapshot: one answer for the system page. */
@Public()
@UseGuards(SessionGuard)
@Controller('api/system')
export class SystemController {
  constructor(@Inject(Upstream) private readonly upstream: Upstream) {}

  @Get()
  async system(@Req() request: FastifyRequest): Promise<unknown> {
    const query = queryOf(request.url);
    const [services, logs, consumers, sources, differences, snapshot] = await Promise.all([
      Promise.all(SERVICES.map((name) => this.health(name))),
      this.part('backbone', '/v1/logs', query),
      Promise.all((['analytics', 'warehouse'] as const).map(async (name) => ({ name, ...await this.part(name, '/v1/consumers', query) }))),
      this.part('ingestion', '/v1/accounting', query),
      this.part('backbone', '/v1/differences', query),
      this.part('backbone', '/v1/snapshots', []),
    ]);
    return { services: [{ name: 'console', healthy: true, problems: {} }, ...services], ...logs, consumers, ...sources, ...differences, snapshot };
  }

  /** A part that can't be had is left out: the health list says why. */
  private async part(service: UpstreamName, path: string, query: [string, string][]): Promise<object> {
    try {
      const answer = await this.upstream.json(service, path, { query });
      return typeof answer === 'object' && answer !== null ? answer : {};
    } catch {
      return {};
    }
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
