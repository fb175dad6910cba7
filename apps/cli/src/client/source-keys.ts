import { DomainError } from '@millrace/kernel';
import type { Home } from '../home/home.ts';
import { readIfThere, writePrivate } from '../home/private-file.ts';
import type { PlatformClient } from './platform-client.ts';

export interface SourceWish {
  readonly tenant: string;
  readonly name: string;
  readonly types?: readonly string[];
  /** Contexts it is the system of record for: only then may it bring their facts. */
  readonly recordOf?: readonly string[];
  /** Oldest time it may bring. */
  readonly earliest?: string;
  readonly latestAheadMs?: number;
}

export interface IssuedSource {
  readonly tenant: string;
  readonly name: string;
  /** Shown once; security keeps its hash only. */
  readonly key: string;
}

export const sourceKeyFile = (home: Home, tenant: string, name: string): string => home.path('sources', `${tenant}.${name}.key`);

export const addSource = async (client: PlatformClient, wish: SourceWish): Promise<IssuedSource> =>
  await client.call('ingestion', '/v1/sources', { method: 'POST', body: wish }) as IssuedSource;

/**
 * The key of a source this data folder uses itself (import, simulator): kept in a 0600 file, the source made when there is none.
 * A source made elsewhere under the same name is never taken over: `source-key-missing`.
 */
export const ownSourceKey = async (client: PlatformClient, home: Home, wish: SourceWish): Promise<string> => {
  const file = sourceKeyFile(home, wish.tenant, wish.name);
  const kept = readIfThere(file)?.trim();
  if (kept !== undefined && kept !== '') return kept;
  try {
    const { key } = await addSource(client, wish);
    writePrivate(file, `${key}\n`);
    return key;
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind !== 'conflict') throw error;
    throw new DomainError('conflict', 'source-key-missing', { tenant: wish.tenant, source: wish.name },
      `source ${wish.name} of tenant ${wish.tenant} exists, but its key is not in ${file}: revoke it with \`millrace source revoke ${wish.name} --tenant ${wish.tenant}\`, or use another name`);
  }
};
