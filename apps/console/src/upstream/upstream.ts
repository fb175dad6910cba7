import { Inject, Injectable } from '@nestjs/common';
import { DomainError } from '@millrace/kernel';
import { CONFIG, HttpProblem, readSecretFile } from '@millrace/service-kit';
import type { ConsoleConfig } from '../console.config.ts';

export type UpstreamName = 'analytics' | 'backbone' | 'ingestion' | 'security' | 'warehouse';

export interface UpstreamRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Parameters with the same name may repeat. */
  readonly query?: readonly (readonly [string, string])[];
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Longer than any bounded query of ours; a service that hangs must not hold the browser for ever. */
const TIMEOUT_MS = 15_000;

/** Speaks to the other services with the console's token. Their problems are passed on as they are; a service that is away is `unavailable`. */
@Injectable()
export class Upstream {
  constructor(@Inject(CONFIG) private readonly config: ConsoleConfig) {}

  addressOf(service: UpstreamName): string {
    const { analyticsUrl, backboneUrl, ingestionUrl, securityUrl, warehouseUrl } = this.config;
    return { analytics: analyticsUrl, backbone: backboneUrl, ingestion: ingestionUrl, security: securityUrl, warehouse: warehouseUrl }[service];
  }

  /** Parsed JSON answer. Throws HttpProblem with the upstream's own problem, or DomainError `unavailable`. */
  async json(service: UpstreamName, path: string, request: UpstreamRequest = {}): Promise<unknown> {
    const response = await this.open(service, path, { ...request, signal: request.signal ?? AbortSignal.timeout(TIMEOUT_MS) });
    const text = await response.text();
    const parsed: unknown = text === '' ? undefined : JSON.parse(text);
    if (response.ok) return parsed;
    throw problemFrom(service, response.status, parsed);
  }

  /** The raw response, for streams. */
  async open(service: UpstreamName, path: string, request: UpstreamRequest = {}): Promise<Response> {
    const url = new URL(path, this.addressOf(service));
    for (const [name, value] of request.query ?? []) url.searchParams.append(name, value);
    const token = await readSecretFile(this.config.apiTokenFile);
    const headers: Record<string, string> = { authorization: `Bearer ${token}`, ...request.headers };
    if (request.body !== undefined) headers['content-type'] = 'application/json';
    try {
      return await fetch(url, { method: request.method ?? 'GET', headers, signal: request.signal ?? null, ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }) });
    } catch (cause) {
      throw new DomainError('unavailable', `${service}-unavailable`, { service, cause: cause instanceof Error ? cause.name : 'unknown' }, `The ${service} service does not answer now. It is being restarted if it died; see the system page, and try again.`);
    }
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const problemFrom = (service: UpstreamName, status: number, body: unknown): HttpProblem => {
  const problem = isRecord(body) ? body : {};
  const code = typeof problem['code'] === 'string' ? problem['code'] : `${service}-failed`;
  const detail = typeof problem['detail'] === 'string' ? problem['detail'] : `The ${service} service answered ${status}.`;
  // A token the browser can't know about being refused is our fault, not the visitor's.
  return new HttpProblem(status === 401 && service !== 'security' ? 502 : status, code, detail);
};
