import { PgEventStore } from '@millrace/event-store';
import { Client } from 'pg';
import { sampleBody } from './raw-table.ts';
import { BENCH_LOG, sampleUnit } from './sample-units.ts';

/** Rows of one statement: some seconds, a tenth of the WAL between two checkpoints. */
const ROWS = 100_000;
/** Ids of rows made here lie before every id made later, as those of a log that grew do. */
const FIRST_MS = Date.UTC(2026, 0, 2);
const PER_MS = 10;

/**
 * What `append_events` would have written, without the way there: UUIDv7 ids in the order of positions, a stream per event, an envelope in
 * canonical order, and the true leaf SHA-256(00 ‖ envelope ‖ SHA-256(salt ‖ data)). $1, $2: first and last position; $3 data.
 */
const FILL = `INSERT INTO millrace.event (tenant, context, shard, position, id, stream, stream_version, fingerprint, salt, leaf, envelope, data)
  SELECT '${BENCH_LOG.tenant}', '${BENCH_LOG.context}', ${BENCH_LOG.shard}, position, id, stream, 1, fingerprint, salt, sha256('\\x00'::bytea || envelope || sha256(salt || $3::bytea)), envelope, $3::bytea
  FROM (SELECT position, id, stream, fingerprint, salt, convert_to('{"fingerprint":"' || encode(fingerprint, 'hex') || '","id":"' || id
      || '","receivedtime":"2026-01-02T03:04:06.000Z","source":"https://shop.example","specversion":"1.0","stream":"' || stream
      || '","tenant":"${BENCH_LOG.tenant}","time":"2026-01-02T03:04:05.678Z","type":"sales.order.placed","version":1,"via":"bench"}', 'UTF8') AS envelope
    FROM (SELECT position, id, 'sales.order/' || id AS stream, sha256(convert_to(id, 'UTF8')) AS fingerprint, decode(md5(id), 'hex') AS salt
      FROM (SELECT position, substr(ms, 1, 8) || '-' || substr(ms, 9, 4) || '-7' || substr(tail, 1, 3) || '-8' || substr(tail, 4, 3) || '-' || substr(tail, 7, 12) AS id
        FROM (SELECT position, lpad(to_hex(${FIRST_MS} + position / ${PER_MS}), 12, '0') AS ms, to_hex(position % ${PER_MS}) || md5(position::text) AS tail
          FROM generate_series($1::bigint, $2::bigint) AS position) AS numbered) AS named) AS told) AS made`;

/**
 * Takes the two keys that are for ever away and gives back what puts them on again as they were: millions of rows are sorted into an index
 * in a fraction of the time of inserting them one by one.
 */
const setKeysAside = async (client: Client): Promise<() => Promise<void>> => {
  const { rows } = await client.query<{ name: string; definition: string }>("SELECT conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE conrelid = 'millrace.event'::regclass AND contype = 'u'");
  for (const { name } of rows) await client.query(`ALTER TABLE millrace.event DROP CONSTRAINT ${client.escapeIdentifier(name)}`);
  return async () => {
    for (const { name, definition } of rows) await client.query(`ALTER TABLE millrace.event ADD CONSTRAINT ${client.escapeIdentifier(name)} ${definition}`);
  };
};

/** Brings the log to `size` events; how many it held is asked of the store. Shows how far it is on stderr. */
export const fillLog = async (url: string, size: number, data: Buffer = sampleBody()): Promise<void> => {
  const store = PgEventStore.connect({ url, applicationName: 'bench-fill' });
  const clients = [0, 1].map(() => new Client({ connectionString: url }));
  await Promise.all(clients.map((client) => client.connect()));
  try {
    if (!await store.head(BENCH_LOG)) await store.append(BENCH_LOG, [sampleUnit(data)]);
    let filled = (await store.head(BENCH_LOG))!.position;
    const begun = filled;
    const putKeysBack = await setKeysAside(clients[0]!);
    const started = performance.now();
    await Promise.all(clients.map(async (client) => {
      while (filled < size) {
        const first = filled + 1;
        filled = Math.min(size, filled + ROWS);
        await client.query({ name: 'fill', text: FILL, values: [first, filled, data] });
        process.stderr.write(`filled ${filled} of ${size}, ${Math.round((filled - begun) / ((performance.now() - started) / 1000))}/s\n`);
      }
    }));
    await putKeysBack();
    await clients[0]!.query('ANALYZE millrace.event');
  } finally {
    await Promise.all([store.close(), ...clients.map((client) => client.end())]);
  }
};
