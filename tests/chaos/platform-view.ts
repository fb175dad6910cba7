import { DuckDBInstance } from '@duckdb/node-api';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, nkeyAuthenticator } from '@nats-io/transport-node';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../e2e/platform.ts';
import { plainNumber } from './fold.ts';
import type { Accounting, BusMessage, Figures, LakeRow, LogEvent } from './history.ts';

/** Where a platform runs. */
export interface Place { readonly home: string; readonly base: number }

const PORTS = { ingestion: 1, analytics: 3, warehouse: 4, backbone: 5, supervisor: 20, nats: 21 } as const;
const PAGE = 1000;

export const urlOf = ({ base }: Place, listener: keyof typeof PORTS): string => `http://127.0.0.1:${base + PORTS[listener]}`;

/** One call with the operator's token; anything but success is an error with the service's own words. */
export const call = async <T>(place: Place, listener: keyof typeof PORTS, path: string, body?: unknown): Promise<T> => {
  const token = (await readFile(join(place.home, 'secrets', 'operator.token'), 'utf8')).trim();
  const response = await fetch(`${urlOf(place, listener)}${path}`, {
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }, signal: AbortSignal.timeout(30_000),
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${listener} ${path} answered ${response.status}: ${(await response.text()).slice(0, 500)}`);
  return await response.json() as T;
};

export interface LogStanding { readonly log: string; readonly epoch: number; readonly head: number; readonly relayed: number; readonly state: string; readonly reason?: string }
interface Consumer { readonly tenant: string; readonly log: string; readonly position: number; readonly state: string; readonly epoch: number; readonly reason?: string }

export const standingsOf = async (place: Place, tenant: string): Promise<LogStanding[]> => (await call<{ logs: LogStanding[] }>(place, 'backbone', `/v1/logs?tenant=${tenant}`)).logs;
export const consumersOf = async (place: Place, service: 'analytics' | 'warehouse', tenant: string): Promise<Consumer[]> =>
  (await call<{ consumers: Consumer[] }>(place, service, '/v1/consumers')).consumers.filter((consumer) => consumer.tenant === tenant);

/** Contexts each reader must have read to the end. */
const READ_BY = { analytics: ['sales'], warehouse: ['sales', 'clickstream', 'customer'] } as const;

/** Everything relayed and everybody at the heads. Throws with who lags behind when that takes too long. */
export const settled = async (place: Place, tenant: string, deadlineMs = 240_000): Promise<LogStanding[]> => {
  let lagging = '';
  try {
    return await until(`tenant ${tenant} to settle`, async () => {
      const logs = await standingsOf(place, tenant);
      const behind = logs.filter((log) => log.relayed !== log.head).map((log) => `relay of ${log.log} at ${log.relayed} of ${log.head} (${log.state} ${log.reason ?? ''})`);
      for (const service of ['analytics', 'warehouse'] as const) {
        const consumers = await consumersOf(place, service, tenant);
        for (const { log, head, epoch } of logs.filter((each) => (READ_BY[service] as readonly string[]).includes(each.log.split('/')[0]!))) {
          const consumer = consumers.find((each) => each.log === log);
          if (consumer?.position !== head || consumer.epoch !== epoch || consumer.state === 'diverged') behind.push(`${service} of ${log} at ${consumer?.position} of ${head} (${consumer?.state} ${consumer?.reason ?? ''})`);
        }
      }
      lagging = behind.join('; ');
      return lagging === '' && logs.length > 0 ? logs : undefined;
    }, deadlineMs);
  } catch (error) {
    throw new Error(`tenant ${tenant} does not settle: ${lagging}`, { cause: error });
  }
};

interface EventPage { readonly events: readonly (Pick<LogEvent, 'position' | 'epoch' | 'streamVersion' | 'leaf' | 'data'> & { readonly envelope: Pick<LogEvent, 'id' | 'type' | 'via' | 'stream' | 'time'> })[] }

/** A whole log through the API. A page that does not go on where the last one ended is kept as it came: the checker names it. */
const readLog = async (place: Place, tenant: string, log: string): Promise<LogEvent[]> => {
  const read: LogEvent[] = [];
  for (let after = 0; ;) {
    const { events } = await call<EventPage>(place, 'backbone', `/v1/logs/${log}/events?tenant=${tenant}&after=${after}&limit=${PAGE}`);
    if (events.length === 0) return read;
    for (const { position, epoch, streamVersion, leaf, data, envelope: { id, type, via, stream, time } } of events) read.push({ id, type, via, stream, streamVersion, position, epoch, leaf, time, data });
    after = events.at(-1)!.position;
  }
};

/** These logs, side by side. */
export const readLogs = async (place: Place, tenant: string, logs: readonly string[]): Promise<Record<string, LogEvent[]>> =>
  Object.fromEntries(await Promise.all(logs.map(async (log): Promise<[string, LogEvent[]]> => [log, await readLog(place, tenant, log)])));

const sha256 = (...parts: readonly Uint8Array[]): Buffer => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

/** Leaf, salt, stream version and the envelope's length stand before envelope and data (docs/architecture.md). Written apart from the platform's own. */
const messageOf = (sequence: number, payload: Uint8Array): BusMessage => {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  const dataAt = 60 + bytes.readUInt32BE(56);
  const envelope = bytes.subarray(60, dataAt);
  const salted = sha256(bytes.subarray(32, 48), bytes.subarray(dataAt));
  return { sequence, leaf: bytes.toString('hex', 0, 32), recomputed: sha256(Uint8Array.of(0), envelope, salted).toString('hex'), id: (JSON.parse(envelope.toString('utf8')) as { id: string }).id };
};

const MESSAGES_ASKED_AT_ONCE = 200;
/** Reading waits for a loaded machine; what the platform must reach in time has deadlines of its own. */
const ANSWER_TIMEOUT_MS = 30_000;

/** The streams of these logs, message by message, with backbone's own rights. A missing stream is an empty one. */
export const readBus = async (place: Place, tenant: string, logs: readonly LogStanding[]): Promise<Record<string, BusMessage[]>> => {
  const seed = await readFile(join(place.home, 'secrets', 'backbone.nkey'));
  const nc = await connect({ servers: `127.0.0.1:${place.base + PORTS.nats}`, authenticator: nkeyAuthenticator(Buffer.from(seed.toString('utf8').trim())), inboxPrefix: '_INBOX.backbone' });
  try {
    const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: ANSWER_TIMEOUT_MS });
    const bus: Record<string, BusMessage[]> = {};
    for (const { log, epoch } of logs) {
      const name = `EVT_${tenant}_${log.replace('/', '_')}_${epoch}`;
      const { state } = await jsm.streams.info(name);
      const messages: BusMessage[] = [];
      for (let seq = state.first_seq; seq <= state.last_seq; seq += MESSAGES_ASKED_AT_ONCE) {
        const asked = Array.from({ length: Math.min(MESSAGES_ASKED_AT_ONCE, state.last_seq - seq + 1) }, (_, n) => jsm.streams.getMessage(name, { seq: seq + n }));
        for (const message of await Promise.all(asked)) if (message !== null) messages.push(messageOf(message.seq, message.data));
      }
      bus[log] = messages;
    }
    return bus;
  } finally {
    await nc.close();
  }
};

export const accountingOf = async (place: Place, tenant: string, source: string): Promise<Accounting> => {
  const { sources } = await call<{ sources: (Accounting & { source: string })[] }>(place, 'backbone', `/v1/accounting?tenant=${tenant}`);
  const found = sources.find((each) => each.source === source);
  if (found === undefined) throw new Error(`source ${source} of ${tenant} is not accounted for`);
  const { received, accepted, duplicate, rejected, unanswered } = found;
  return { received, accepted, duplicate, rejected, unanswered };
};

type Row = Readonly<Record<string, string | number | null>>;
const named = (rows: readonly Row[], name: (row: Row) => string): Figures => Object.fromEntries(rows.map((row) => [name(row), plainNumber(String(row['value']))]));

export const metricsOf = async (place: Place, tenant: string): Promise<Figures> => {
  const metric = async (id: string, by?: string): Promise<readonly Row[]> => (await call<{ rows: Row[] }>(place, 'analytics', `/v1/metrics/${id}?tenant=${tenant}${by === undefined ? '' : `&by=${by}`}`)).rows;
  return {
    ...named(await metric('revenue.gross'), (row) => `gross ${row['currency']}`),
    ...named(await metric('revenue.gross', 'product'), (row) => `gross ${row['currency']} product=${row['product']}`),
    ...named(await metric('revenue.clean', 'customer'), (row) => `clean ${row['currency']} customer=${row['customer']}`),
    ...named(await metric('orders', 'country'), (row) => `orders country=${row['country']}`),
    ...named(await metric('units', 'product'), (row) => `units product=${row['product']}`),
    ...named(await metric('buyers'), () => 'buyers'),
    ...named(await metric('cancellation.lines'), () => 'cancelled'),
  };
};

const CLEAN = 'customer_ref is not null and quantity > 0 and unit_price > 0';

export const warehouseOf = async (place: Place, tenant: string): Promise<Figures> => {
  const sql = async (text: string): Promise<readonly Row[]> => (await call<{ rows: Row[] }>(place, 'warehouse', '/v1/query', { tenant, sql: text, maxRows: 100_000 })).rows;
  return {
    ...named(await sql('select currency, sum(amount) as value from order_line group by 1'), (row) => `gross ${row['currency']}`),
    ...named(await sql('select currency, product_id, sum(amount) as value from order_line group by 1, 2'), (row) => `gross ${row['currency']} product=${row['product_id']}`),
    ...named(await sql(`select currency, customer_ref, sum(amount) as value from order_line where ${CLEAN} group by 1, 2`), (row) => `clean ${row['currency']} customer=${row['customer_ref']}`),
    ...named(await sql(`select country, count(distinct event_id) as value from order_line where billing = 'placed' group by 1`), (row) => `orders country=${row['country']}`),
    ...named(await sql(`select product_id, sum(quantity) as value from order_line where ${CLEAN} group by 1`), (row) => `units product=${row['product_id']}`),
    ...named(await sql(`select count(distinct customer_ref) as value from order_line where ${CLEAN}`), () => 'buyers'),
    ...named(await sql(`select count(*) filter (where billing = 'cancelled') as value from order_line`), () => 'cancelled'),
    ...named(await sql(`select count(*) filter (where billing = 'placed') as value from order_line`), () => 'placed'),
    ...named(await sql('select customer_ref, country as value from customer'), (row) => `country customer=${row['customer_ref']}`),
  };
};

/** Rows of the lake's files of each log. Files are merged in the background: a file that went meanwhile is read about again. */
export const lakeOf = async (place: Place, tenant: string, logs: readonly LogStanding[]): Promise<Record<string, LakeRow[]>> => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rowsOf = async ({ log, head }: LogStanding): Promise<LakeRow[]> => {
    const [context, shard] = log.split('/');
    const folder = join(place.home, 'warehouse', 'lake', `tenant=${tenant}`, `context=${context}`, `shard=${shard}`);
    const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.parquet')).map((name) => `'${join(folder, name)}'`);
    const found = await connection.runAndReadAll(`select position, event_id, lower(hex(leaf)) as leaf from read_parquet([${files.join(', ')}], hive_partitioning = false) order by position`);
    const rows = found.getRowObjectsJS().map((row) => ({ position: Number(row['position']), id: row['event_id'] as string, leaf: row['leaf'] as string }));
    if (rows.length !== head) throw new Error(`the lake's files of ${log} hold ${rows.length} rows, the log ${head}`);
    return rows;
  };
  try {
    const lake: Record<string, LakeRow[]> = {};
    for (const log of logs) lake[log.log] = await until(`the lake's files of ${tenant} ${log.log}`, () => rowsOf(log), 120_000);
    return lake;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
};
