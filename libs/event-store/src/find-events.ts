import { isContext, type Tenant } from '@millrace/kernel';
import type { Located, StreamEnd } from './append-plan.ts';
import type { Statements } from './database.ts';

/** Which of these ids are known, in any log of the tenant the caller may know of. One index look-up each. */
export const findEvents = async (database: Statements, tenant: Tenant, ids: readonly string[]): Promise<Map<string, Located>> => {
  const found = new Map<string, Located>();
  // Such an id was never stored, and the server would refuse the text.
  const askable = [...new Set(ids)].filter((id) => id.isWellFormed() && !id.includes('\0'));
  if (askable.length === 0) return found;
  const rows = await database.run<{ id: string; context: string; shard: number; position: string; stream_version: string; fingerprint: Buffer; leaf: Buffer }>({
    name: 'known-events', text: 'SELECT id, context, shard, position, stream_version, fingerprint, leaf FROM millrace.known_events($1, $2)', values: [tenant, askable],
  });
  for (const row of rows) {
    if (!isContext(row.context)) continue;
    found.set(row.id, { log: { tenant, context: row.context, shard: row.shard }, position: Number(row.position), streamVersion: Number(row.stream_version), fingerprint: row.fingerprint, leaf: row.leaf });
  }
  return found;
};

/** Where these streams end; a stream without events is absent. For appenders only. */
export const findStreamEnds = async (database: Statements, tenant: Tenant, streams: readonly string[]): Promise<Map<string, StreamEnd>> => {
  const rows = await database.run<{ stream: string; context: string; shard: number; version: string }>({
    name: 'stream-versions', text: 'SELECT stream, context, shard, version FROM millrace.stream_versions($1, $2)', values: [tenant, [...new Set(streams)]],
  });
  const ends = new Map<string, StreamEnd>();
  for (const row of rows) if (isContext(row.context)) ends.set(row.stream, { version: Number(row.version), log: { tenant, context: row.context, shard: row.shard } });
  return ends;
};
