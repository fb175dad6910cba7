import { DomainError, type ErrorKind } from '@millrace/kernel';
import type { CliConfig, ExternalServers } from '../cli.config.ts';
import { homeAt, type Home } from '../home/home.ts';
import { lockHolder } from '../home/lock.ts';
import { parseIfWhole, readIfThere } from '../home/private-file.ts';
import { secretPath } from '../home/secret.ts';
import { addressOf } from '../provision/databases.ts';
import { portPlan, type Listener, type PortPlan } from '../provision/port-plan.ts';

export interface Call {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly body?: unknown;
  readonly timeoutMs?: number;
}

/** Longer than any service's own limit, so that the service's explanation arrives rather than our impatience. */
const TIMEOUT_MS = 120_000;
/** The longest a timer takes. */
const NO_LIMIT_MS = 2_147_483_647;

const KIND_BY_STATUS: Readonly<Record<number, ErrorKind>> = { 400: 'invalid', 401: 'forbidden', 403: 'forbidden', 404: 'not-found', 409: 'conflict', 422: 'invalid' };

interface Problem {
  readonly title?: string;
  readonly detail?: string;
  readonly code?: string;
}

const problemIn = (text: string): Problem => {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {}; // not ours: a proxy's page
  }
};

const errorFrom = (listener: Listener, status: number, text: string): DomainError => {
  const problem = problemIn(text);
  return new DomainError(KIND_BY_STATUS[status] ?? 'unavailable', problem.code ?? `http-${status}`, { status },
    problem.detail ?? problem.title ?? `${listener} answered ${status}`);
};

const pathWith = (path: string, query: Call['query'] = {}): string => {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) if (each !== undefined) search.append(name, String(each));
  }
  return search.size === 0 ? path : `${path}?${search.toString()}`;
};

/** Speaks to the services of a running platform with the operator's token. */
export class PlatformClient {
  readonly ports: PortPlan;
  private readonly token: string;

  constructor(ports: PortPlan, token: string) {
    this.ports = ports;
    this.token = token;
  }

  /** Errors: DomainError with the service's own words; `unavailable` (`service-unreachable`) when nobody listens or answers in time. */
  async call(listener: Listener, path: string, options: Call = {}): Promise<unknown> {
    const response = await this.send(listener, path, options);
    const text = await response.text();
    if (!response.ok) throw errorFrom(listener, response.status, text);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** The lines of an answer that is one JSON document a line, as they come. No time limit: whoever sends them tells how far it is. */
  async *lines(listener: Listener, path: string, query: Call['query'] = {}): AsyncGenerator<unknown> {
    const response = await this.send(listener, path, { query, timeoutMs: NO_LIMIT_MS });
    if (!response.ok || response.body === null) throw errorFrom(listener, response.status, await response.text());
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body) {
      const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield JSON.parse(line);
    }
  }

  private async send(listener: Listener, path: string, { method = 'GET', query, body, timeoutMs = TIMEOUT_MS }: Call): Promise<Response> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    try {
      return await fetch(`${this.urlOf(listener)}${pathWith(path, query)}`, { method, headers, signal: AbortSignal.timeout(timeoutMs), ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    } catch {
      throw new DomainError('unavailable', 'service-unreachable', { listener }, `${listener} does not answer at ${this.urlOf(listener)}: \`npx millrace status\` shows how it is`);
    }
  }

  urlOf(listener: Listener): string {
    return `http://127.0.0.1:${this.ports[listener]}`;
  }
}

/** What a running supervisor leaves for the other commands. */
export interface RunningPlatform {
  readonly port: number;
  /** Servers run by somebody else, by address without login: another shell's commands know by it what is not theirs to look into. */
  readonly external?: ExternalServers;
}

/** For keeping: where they are, not how to get in. */
export const externalAddresses = ({ external }: CliConfig): ExternalServers =>
  Object.fromEntries(Object.entries(external).filter((entry): entry is [string, string] => entry[1] !== undefined).map(([name, url]) => [name, addressOf(url)]));

/** What the live supervisor of this folder has left; undefined where none lives. */
const runningIn = (home: Home): RunningPlatform | undefined =>
  (lockHolder(home) === undefined ? undefined : parseIfWhole<RunningPlatform>(readIfThere(home.path(...runningFile))));

/** The servers the platform of this folder was started with, by address; those of this shell's variables where none runs. */
export const externalOf = (config: CliConfig): ExternalServers => {
  const running = runningIn(homeAt(config.home));
  return running === undefined ? externalAddresses(config) : running.external ?? {};
};

export const runningFile = ['run', 'platform.json'] as const;

/** The platform that runs from this data folder. Throws `not-running` when no supervisor lives. */
export const connectPlatform = (homeRoot: string): PlatformClient => {
  const home = homeAt(homeRoot);
  const running = runningIn(home);
  if (running === undefined) throw notRunning(homeRoot);
  return new PlatformClient(portPlan(running.port), readIfThere(secretPath(home, 'operator.token'))?.trim() ?? '');
};

export const notRunning = (homeRoot: string): DomainError => new DomainError('unavailable', 'not-running', {}, `Millrace is not running from ${homeRoot}: start it with \`npm start\` (MILLRACE_HOME names another folder)`);
