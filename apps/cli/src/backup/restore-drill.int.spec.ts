import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, startPostgresServer, type PostgresServer } from '@millrace/embedded';
import { migrateEventStore, PgEventStore, type AppendUnit } from '@millrace/event-store';
import type { LogKey } from '@millrace/kernel';
import { eventually } from '@millrace/testing';
import { openHome, type Home } from '../home/home.ts';
import { postgresPassword } from '../home/secret.ts';
import { withAdmin } from '../provision/databases.ts';
import { scratchFolder } from '../testing.ts';
import { basesIn, copyArchive, takeBaseBackup, type StepProgress } from './base-backup.ts';
import { systemIdentifierOf } from './file-copy.ts';
import { readManifest } from './manifest.ts';
import { exchangeFile, finishExchange, restoreCluster } from './restore.ts';
import { archivedFiles, archiveFolder, archiverState, archiveSettings } from './wal-archive.ts';

const LOG: LogKey = { tenant: 'shop', context: 'sales', shard: 0 };
const scratch = scratchFolder();
/** Whatever a person may call a folder: it stands in commands that Postgres gives to a shell. */
const home: Home = openHome(join(scratch.path, 'Anna\'s "home" $(false) 100%f'));
const backups = join(scratch.path, 'backups');
let server: PostgresServer;
let running = false;
const steps: string[] = [];
const progress: StepProgress = { begin: (step) => { steps.push(step); }, moved: () => undefined };

const start = async (): Promise<void> => {
  server = await startPostgresServer({ dataDir: home.path('postgres', 'events'), superuserPassword: postgresPassword(home, 'superuser-events'), port: await freePort(), settings: { ...archiveSettings(home, 'events'), max_wal_size: '256MB' } });
  running = true;
};
const stop = async (): Promise<void> => { if (running) await server.stop(); running = false; };
const url = (): string => server.url('postgres', 'postgres', postgresPassword(home, 'superuser-events'));
const ask = async <T>(sql: string): Promise<T> => withAdmin(url(), async (client) => (await client.query(sql)).rows[0] as T);

let serial = 0;
const unitsOf = (count: number): AppendUnit[] => Array.from({ length: count }, () => {
  const id = `e-${serial += 1}`;
  const stream = `sales.order/${id}`;
  return { stream, expectedVersion: 0, events: [{ data: Buffer.from(JSON.stringify({ id })), envelope: { specversion: '1.0', id, source: '/spec', type: 'sales.order.placed', version: 1, tenant: 'shop', stream, time: '2026-11-01T00:00:00.000Z', receivedtime: '2026-11-01T00:00:00.000Z', via: 'spec', fingerprint: createHash('sha256').update(id).digest('hex') } }] };
});
/** Appends until told to end; what was acknowledged, by position. */
const load = async (store: PgEventStore, going: () => boolean, acknowledged: Map<number, string>): Promise<void> => {
  while (going()) {
    const units = unitsOf(20);
    const outcomes = await store.append(LOG, units);
    outcomes.forEach((outcome, n) => { if (outcome.kind === 'appended') acknowledged.set(outcome.position, units[n]!.events[0]!.envelope.id); });
  }
};
const inLog = async (): Promise<Map<number, string>> => {
  const store = PgEventStore.connect({ url: url(), applicationName: 'spec' });
  const found = new Map<number, string>();
  for (let after = 0; ;) {
    const page = await store.read(LOG, after, 5000);
    for (const { position, envelope } of page) found.set(position, envelope.id);
    if (page.length === 0) break;
    after = page.at(-1)!.position;
  }
  await store.close();
  return found;
};
const untouched = async (work: Promise<unknown>, code: string): Promise<void> => {
  const before = [await systemIdentifierOf(home.path('postgres', 'events')), readdirSync(home.path('postgres')).toSorted()];
  await expect(work).rejects.toMatchObject({ code });
  expect([await systemIdentifierOf(home.path('postgres', 'events')), readdirSync(home.path('postgres')).toSorted()]).toEqual(before);
};

beforeAll(async () => {
  await start();
  await migrateEventStore(url());
});
afterAll(async () => { await stop(); scratch.remove(); });

describe('the drill', () => {
  const acknowledged = new Map<number, string>();
  let between = '';
  let through = 0;

  it('backs up under load, verified, with the log the copy needs, and archives from then on', async () => {
    const store = PgEventStore.connect({ url: url(), applicationName: 'spec' });
    let going = true;
    const loading = load(store, () => going, acknowledged);
    await eventually('load', () => acknowledged.size > 200);
    const { folder, manifest } = await withAdmin(url(), (client) => takeBaseBackup(home, 'events', client, backups, progress));
    const during = acknowledged.size;
    expect(await basesIn(backups)).toEqual([folder]);
    expect(manifest.wal.length).toBeGreaterThanOrEqual(1);
    expect(manifest.systemIdentifier).toBe(await systemIdentifierOf(home.path('postgres', 'events')));
    expect(manifest.files.map(({ path }) => path)).toEqual(expect.arrayContaining(['backup_label', 'global/pg_control', 'PG_VERSION']));
    expect(manifest.files.filter(({ path }) => /postmaster\.pid|^pg_wal\/|millrace-archiving/.test(path))).toEqual([]);
    expect(steps).toEqual(['copying', 'verifying']);
    await eventually('more load', () => acknowledged.size > during + 200);
    going = false;
    await loading;
    // Everything acknowledged so far is before this moment, by the server's own clock; everything from here on after it.
    between = (await ask<{ now: Date }>('select clock_timestamp() as now')).now.toISOString();
    through = acknowledged.size;
    await eventually('the clock to have moved on', async () => (await ask<{ now: Date }>('select clock_timestamp() as now')).now.getTime() > Date.parse(between) + 5);
    await store.append(LOG, unitsOf(300));
    // Something was just written, so the switch ends a segment, and this is its name.
    const last = (await ask<{ name: string }>(`select pg_walfile_name(pg_switch_wal()) as name`)).name;
    await eventually('archived', async () => (await archivedFiles(archiveFolder(home, 'events'))).some((name) => name >= last), 120_000);
    expect(await copyArchive(home, 'events', backups)).toBeGreaterThan(0);
    // Whatever the server ends a segment for by itself meanwhile is copied too, and nothing twice.
    await eventually('nothing left to copy', async () => (await copyArchive(home, 'events', backups)) === 0);
    await store.close();
  }, 300_000);

  it('goes on appending while the archive\'s folder is gone, says so, and catches up when it is back', async () => {
    const folder = archiveFolder(home, 'events');
    renameSync(folder, `${folder}.away`);
    const store = PgEventStore.connect({ url: url(), applicationName: 'spec' });
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await store.append(LOG, unitsOf(10))).toHaveLength(10);
      await ask('select pg_switch_wal()');
    }
    const state = await eventually('the failure noticed', () => withAdmin(url(), async (client) => { const found = await archiverState(client, 'events'); return found.failing && found; }));
    expect(state).toMatchObject({ archiving: true, failing: true, lastFailed: expect.stringMatching(/^[0-9A-F]{24}$/) });
    expect(state.waitingSegments).toBeGreaterThan(0);
    expect(await store.append(LOG, unitsOf(10))).toHaveLength(10);
    renameSync(`${folder}.away`, folder);
    await eventually('caught up', () => withAdmin(url(), async (client) => { const found = await archiverState(client, 'events'); return !found.failing && found.waitingSegments === 0; }), 180_000);
    await store.close();
  }, 300_000);

  it('refuses what would not be that database again, and changes nothing', async () => {
    await stop();
    const latest = { kind: 'latest' } as const;
    const base = (await basesIn(backups))[0]!;
    const biggest = join(base, readManifest(base).files.toSorted((a, b) => b.bytes - a.bytes)[0]!.path);
    const manifestFile = join(base, 'manifest.json');
    /** Does something to the backup, sees it refused, and undoes it. */
    const refused = async (file: string, harm: (bytes: Buffer) => Buffer, code: string): Promise<void> => {
      const bytes = readFileSync(file);
      writeFileSync(file, harm(Buffer.from(bytes)));
      await untouched(restoreCluster(home, 'events', backups, latest, progress), code);
      writeFileSync(file, bytes);
    };
    await refused(biggest, (bytes) => { bytes[bytes.length >> 1]! ^= 1; return bytes; }, 'backup-altered');
    await refused(biggest, (bytes) => bytes.subarray(0, 100), 'backup-altered');
    await refused(manifestFile, (bytes) => Buffer.concat([bytes, Buffer.from('}')]), 'backup-unreadable');
    await refused(manifestFile, (bytes) => bytes.subarray(0, 1000), 'backup-unreadable');
    await refused(manifestFile, (bytes) => Buffer.from(bytes.toString().replace(/"systemIdentifier":"\d+"/, '"systemIdentifier":"7300000000000000001"')), 'backup-of-another-system');
    await refused(join(backups, 'wal', readManifest(base).wal[0]!.path), (bytes) => bytes.subarray(0, 512), 'backup-altered');
    writeFileSync(join(base, 'base', 'stranger'), 'x');
    await untouched(restoreCluster(home, 'events', backups, latest, progress), 'backup-altered');
    rmSync(join(base, 'base', 'stranger'));
    await untouched(restoreCluster(home, 'events', join(scratch.path, 'nowhere'), latest, progress), 'backup-missing');
    await untouched(restoreCluster(home, 'keys', backups, latest, progress), 'target-before-backups');
    await untouched(restoreCluster(home, 'events', backups, { kind: 'time', time: '2020-01-01T00:00:00Z' }, progress), 'target-before-backups');
    await untouched(restoreCluster(home, 'events', backups, { kind: 'time', time: '2099-01-01T00:00:00Z' }, progress), 'target-not-reached');
    const elsewhere = openHome(join(scratch.path, 'elsewhere'));
    await expect(restoreCluster(elsewhere, 'events', backups, latest, progress)).rejects.toMatchObject({ code: 'secrets-missing' });
    expect(existsSync(elsewhere.path('postgres', 'events'))).toBe(false);
  }, 290_000);

  it('restores to a moment in between: all acknowledged before it there, nothing after, positions dense', async () => {
    const restored = await restoreCluster(home, 'events', backups, { kind: 'time', time: between }, progress);
    expect(restored).toMatchObject({ of: 'events', timeline: 2, base: (await basesIn(backups))[0] });
    expect(existsSync(restored.replaced!)).toBe(true);
    expect(existsSync(exchangeFile(home))).toBe(false);
    expect(readdirSync(home.path('postgres')).filter((name) => name.startsWith('.restore'))).toEqual([]);
    await start();
    const found = await inLog();
    expect(found.size).toBe(through);
    expect([...found.keys()]).toEqual(Array.from({ length: through }, (_, n) => n + 1));
    expect([...acknowledged].every(([position, id]) => found.get(position) === id)).toBe(true);
    expect(await ask<{ recovery: string; command: string }>(`select pg_is_in_recovery()::text as recovery, current_setting('restore_command') as command`)).toEqual({ recovery: 'false', command: '' });
    const store = PgEventStore.connect({ url: url(), applicationName: 'spec' });
    expect(await store.append(LOG, unitsOf(1))).toMatchObject([{ kind: 'appended', position: through + 1 }]);
    await store.close();
    await stop();
  }, 300_000);

  it('finishes an exchange that was cut off between its two steps', async () => {
    const dataDir = home.path('postgres', 'events');
    const before = await systemIdentifierOf(dataDir);
    const [restored, replaced] = [home.path('postgres', 'copy'), home.path('postgres', 'aside')];
    cpSync(dataDir, restored, { recursive: true });
    writeFileSync(exchangeFile(home), JSON.stringify({ of: 'events', restored, replaced }));
    renameSync(dataDir, replaced);
    expect(await finishExchange(home)).toBe(true);
    expect([await systemIdentifierOf(dataDir), existsSync(restored), existsSync(replaced), existsSync(exchangeFile(home))]).toEqual([before, false, true, false]);
    expect(await finishExchange(home)).toBe(false);
  });
});
