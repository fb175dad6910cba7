import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Pool } from 'pg';
import { v7 } from 'uuid';
import { perSecond } from './rounds.ts';

const FOLDER = join(import.meta.dirname, 'peers');
const MODULES = join(FOLDER, 'node_modules');

/** Connections of each peer: the default of the pool both use. */
export const PEER_CONNECTIONS = 10;

/** Installs the peers beside the benchmark, from their own lockfile; the product's install never holds them. */
export const installPeers = (): void => {
  if (existsSync(join(MODULES, '.package-lock.json'))) return;
  process.stderr.write('bench: installing the peers into tests/load/peers (once)\n');
  const done = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: FOLDER, stdio: ['ignore', 2, 2] });
  if (done.status !== 0) throw new Error('the peers of this benchmark could not be installed (npm ci in tests/load/peers; its message stands above). They come from the npm registry: connect to it and run again. No figure was taken.');
};

/** Another event store, appending one event to a new stream with an expected version. */
export interface Peer {
  append(id: string): Promise<unknown>;
  close(): Promise<void>;
}

/** Events per second with `callers`, each appending one event, waiting for the answer, and appending again. */
export const measurePeer = (peer: Peer, callers: number, events: number): Promise<number> => {
  const ids = Array.from({ length: events }, () => v7());
  return perSecond(events, () => Promise.all(Array.from({ length: callers }, async () => {
    for (let id = ids.pop(); id !== undefined; id = ids.pop()) await peer.append(id);
  })));
};

/** What is used of emmett-postgresql. Its package is not the workspace's, so its types aren't either. */
interface Emmett {
  getPostgreSQLEventStore(url: string): {
    readonly schema: { migrate(): Promise<unknown> };
    appendToStream(stream: string, events: readonly { type: string; data: object }[], options: { expectedStreamVersion: 'STREAM_DOES_NOT_EXIST' }): Promise<unknown>;
    close(): Promise<void>;
  };
}

export const emmett = async (url: string, data: Buffer): Promise<Peer> => {
  const entry = createRequire(join(FOLDER, 'package.json')).resolve('@event-driven-io/emmett-postgresql');
  const { getPostgreSQLEventStore } = await import(pathToFileURL(entry).href) as Emmett;
  const store = getPostgreSQLEventStore(url);
  await store.schema.migrate();
  const body = JSON.parse(data.toString()) as object;
  return {
    append: (id) => store.appendToStream(`sales.order-${id}`, [{ type: 'sales.order.placed', data: body }], { expectedStreamVersion: 'STREAM_DOES_NOT_EXIST' }),
    close: () => store.close(),
  };
};

/** message-db's SQL files in the order its install.sh runs them; that script wants psql. */
const MESSAGE_DB_FILES = [
  'roles/message-store', 'schema/message-store', 'extensions/pgcrypto', 'tables/messages', 'types/message',
  ...['message-store-version', 'hash-64', 'acquire-lock', 'category', 'is-category', 'id', 'cardinal-id', 'stream-version', 'write-message', 'get-stream-messages', 'get-category-messages', 'get-last-stream-message'].map((name) => `functions/${name}`),
  'indexes/messages-id', 'indexes/messages-stream', 'indexes/messages-category',
  ...['stream-summary', 'type-summary', 'stream-type-summary', 'type-stream-summary', 'category-type-summary', 'type-category-summary'].map((name) => `views/${name}`),
  ...['schema', 'table', 'sequence', 'functions', 'views'].map((name) => `privileges/${name}`),
];

export const messageDb = async (url: string, data: Buffer): Promise<Peer> => {
  const pool = new Pool({ connectionString: url, max: PEER_CONNECTIONS, options: '-c search_path=message_store,public' });
  for (const file of MESSAGE_DB_FILES) await pool.query(await readFile(join(MODULES, '@eventide/message-db/database', `${file}.sql`), 'utf8'));
  const body = data.toString();
  return {
    append: (id) => pool.query({ name: 'write', text: 'SELECT write_message($1, $2, $3, $4::jsonb, NULL, $5)', values: [id, `salesOrder-${id}`, 'OrderPlaced', body, -1] }),
    close: () => pool.end(),
  };
};
