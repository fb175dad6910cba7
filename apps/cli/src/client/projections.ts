import { DomainError } from '@millrace/kernel';
import type { Listener } from '../provision/port-plan.ts';
import type { PlatformClient } from './platform-client.ts';

/** Services that have read models. */
export const PROJECTING = ['analytics', 'warehouse'] as const satisfies readonly Listener[];
export type ProjectingService = (typeof PROJECTING)[number];

export interface BuildRow {
  readonly projection: string;
  readonly version: number;
  readonly build: number;
  readonly state: 'building' | 'ready' | 'active' | 'retired';
  readonly position: number;
  readonly target: number;
  readonly parked: number;
  readonly eventsPerSecond?: number;
  readonly etaSeconds?: number;
  readonly trouble?: string;
}

/** The service whose projection it is. Throws `projection-unknown`, which names those there are. */
export const ownerOf = async (client: PlatformClient, projection: string): Promise<ProjectingService> => {
  const names: string[] = [];
  for (const service of PROJECTING) {
    const { projections } = await client.call(service, '/v1/projections') as { projections: BuildRow[] };
    if (projections.some((row) => row.projection === projection)) return service;
    names.push(...projections.map((row) => row.projection));
  }
  throw new DomainError('not-found', 'projection-unknown', {}, `there is no projection ${projection}; there are ${[...new Set(names)].join(', ')}`);
};
