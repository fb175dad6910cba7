import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Platform } from './platform.ts';

export interface ReadEvent {
  readonly id: string;
  readonly type: string;
  readonly log: string;
  readonly position: number;
  readonly text: string;
}

interface Page { readonly events: readonly { readonly log: string; readonly position: number; readonly envelope: { readonly id: string; readonly type: string } }[] }

const PORT_OF_BACKBONE = 5;
const PORT_OF_SUPERVISOR = 20;
const PORT_OF_INGESTION = 1;

/** Calls a service's HTTP interface with the operator's token. */
export const ask = async <T>(platform: Pick<Platform, 'home' | 'base'>, portOffset: number, path: string): Promise<T> => {
  const token = (await readFile(join(platform.home, 'secrets', 'operator.token'), 'utf8')).trim();
  const response = await fetch(`http://127.0.0.1:${platform.base + portOffset}${path}`, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return await response.json() as T;
};

/** The supervisor's own word about its processes: a question that costs no process, for waits that ask again and again. */
export const supervised = async (platform: Pick<Platform, 'home' | 'base'>, name: string): Promise<{ readonly pid?: number; readonly healthy: boolean } | undefined> =>
  (await ask<{ services: { name: string; pid?: number; healthy: boolean }[] }>(platform, PORT_OF_SUPERVISOR, '/v1/status')).services.find((service) => service.name === name);

/** Events of a tenant accepted so far, by ingestion's count. */
export const acceptedOf = async (platform: Pick<Platform, 'home' | 'base'>, tenant: string): Promise<number> =>
  (await ask<{ sources: { accepted: number }[] }>(platform, PORT_OF_INGESTION, `/v1/accounting?tenant=${tenant}`)).sources.reduce((sum, { accepted }) => sum + accepted, 0);

/** Where a log ends; 0 while it has none. */
export const headOf = async (platform: Pick<Platform, 'home' | 'base'>, tenant: string, log: string): Promise<number> =>
  (await ask<{ logs: { log: string; head: number }[] }>(platform, PORT_OF_BACKBONE, `/v1/logs?tenant=${tenant}`)).logs.find((one) => one.log === log)?.head ?? 0;

/** Every event of a tenant, log by log, in order. */
export async function* storedEvents(platform: Pick<Platform, 'home' | 'base'>, tenant: string): AsyncGenerator<ReadEvent> {
  const { logs } = await ask<{ logs: { log: string; head: number }[] }>(platform, PORT_OF_BACKBONE, `/v1/logs?tenant=${tenant}`);
  for (const { log } of logs) {
    for (let after = 0; ;) {
      const { events } = await ask<Page>(platform, PORT_OF_BACKBONE, `/v1/logs/${log}/events?tenant=${tenant}&after=${after}&limit=200`);
      if (events.length === 0) break;
      for (const [index, event] of events.entries()) {
        if (event.position !== after + index + 1) throw new Error(`${log} has a gap: ${event.position} after ${after + index}`);
        yield { id: event.envelope.id, type: event.envelope.type, log, position: event.position, text: JSON.stringify(event) };
      }
      after = events.at(-1)!.position;
    }
  }
}
