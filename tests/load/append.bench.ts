import { migrateEventStore, PgEventStore } from '@millrace/event-store';
import type { Bench } from './bench-result.ts';
import { SERVER_SETTINGS, withServer } from './bench-server.ts';
import { BODY_BYTES, RawTable } from './raw-table.ts';
import { alternate, compare, medians } from './rounds.ts';
import { measureAppend } from './sample-units.ts';

/**
 * Appends against raw inserts on the same embedded Postgres with fsync on, in alternating rounds. The append's row has besides the body an
 * envelope, salt, leaf and fingerprint, checks identity and expected version, and counts. 64: callers with one event each against
 * statements of 64; 500: four callers with calls of 500 against statements of 500.
 */
export const benchAppend: Bench = ({ quick }) => withServer(async (server) => {
  const url = await server.database('bench');
  await migrateEventStore(url);
  const raw = await RawTable.connect(url);
  const store = PgEventStore.connect({ url, applicationName: 'bench' });
  const rows = quick ? 15_000 : 40_000;
  const rounds = await alternate(quick ? 5 : 7, {
    raw64: () => raw.best(64, rows),
    append64: () => measureAppend(store, { callers: 64, perCall: 1, events: rows }),
    raw500: () => raw.best(500, rows),
    append500: () => measureAppend(store, { callers: 4, perCall: 500, events: rows }),
  });
  await Promise.all([raw.close(), store.close()]);
  return {
    ...compare(rounds, { raw64: ['append64', 'raw64'], raw500: ['append500', 'raw500'] }),
    perSecond: medians(rounds), rounds, settings: { ...SERVER_SETTINGS, bodyBytes: BODY_BYTES, rowsPerRound: rows },
  };
});
