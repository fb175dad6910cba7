import { Inject, Injectable } from '@nestjs/common';
import { DomainError } from '@millrace/kernel';
import { CONFIG, HttpProblem, readSecretFile } from '@millrace/service-kit';
import type { ConsoleConfig } from '../console.config.ts';

export const SERVICES = ['ingestion', 'security', 'backbone', 'analytics', 'warehouse'] as const;
export type UpstreamName = (typeof SERVICES)[number] | 'supervisor';

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

  /** Undefined for a supervisor where there is none, as in a cluster. */
  addressOf(service: UpstreamName): string | undefined {
    const { analyticsUrl, backboneUrl, ingestionUrl, securityUrl, supervisorUrl, warehouseUrl } = this.config;
    return { analytics: analyticsUrl, backbone: backboneUrl, ingestion: ingestionUrl, security: securityUrl, supervisor: supervisorUrl, warehouse: warehouseUrl }[service];
  }

  /** Parsed JSON answer, within `timeoutMs` and while the caller's signal holds. Throws HttpProblem with the upstream's own problem, or DomainError `unavailable`. */
  async json(service: UpstreamName, path: string, { timeoutMs = TIMEOUT_MS, ...request }: UpstreamRequest & { readonly timeoutMs?: number } = {}): Promise<unknown> {
    const limit = AbortSignal.timeout(timeoutMs);
    const response = await this.open(service, path, { ...request, signal: request.signal ? AbortSignal.any([request.signal, limit]) : limit });
    const text = await response.text().catch((cause: unknown) => { throw away(service, cause); });
    const parsed: unknown = text === '' ? undefined : JSON.parse(text);
    if (response.ok) return parsed;
    throw problemFrom(service, response.status, parsed);
  }

  /** The raw response, for streams. */
  async open(service: UpstreamName, path: string, request: UpstreamRequest = {}): Promise<Response> {
    const address = this.addressOf(service);
    if (address === undefined) throw away(service, undefined);
    const url = new URL(path, address);
    for (const [name, value] of request.query ?? []) url.searchParams.append(name, value);
    const token = await readSecretFile(this.config.apiTokenFile);
    const headers: Record<string, string> = { authorization: `Bearer ${token}`, ...request.headers };
    if (request.body !== undefined) headers['content-type'] = 'application/json';
    try {
      return await fetch(url, { method: request.method ?? 'GET', headers, signal: request.signal ?? null, ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }) });
    } catch (cause) {
      throw away(service, cause);
    }
  }
}

const away = (service: UpstreamName, cause: unknown): DomainError =>
  new DomainError('unavailable', `${service}-unavailable`, { service, cause: cause instanceof Error ? cause.name : 'unknown' }, `The ${service} service does not answer now. It is being restarted if it died; see the system page, and try again.`);

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const problemFrom = (service: UpstreamName, status: number, body: unknown): HttpProblem => {
  const problem = isRecord(body) ? body : {};
  const code = typeof problem['code'] === 'string' ? problem['code'] : `${service}-failed`;
  const detail = typeof problem['detail'] === 'string' ? problem['detail'] : `The ${service} service answered ${status}.`;
  // A token the browser can't know about being refused is our fault, not the visitor's.
  return new HttpProblem(status === 401 && service !== 'security' ? 502 : status, code, detail);
};
