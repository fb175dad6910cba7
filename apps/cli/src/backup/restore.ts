import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { freePort, startPostgresServer } from '@millrace/embedded';
import { DomainError } from '@millrace/kernel';
import { withAdmin } from '../provision/databases.ts';
import type { Home } from '../home/home.ts';
import { readIfThere } from '../home/private-file.ts';
import { secretPath } from '../home/secret.ts';
import { basesIn, type StepProgress } from './base-backup.ts';
import { copyHashed, refuseStrangers, syncFolder, systemIdentifierOf, verifyFiles, writeDurably, writeSynced } from './file-copy.ts';
import { MANIFEST, reaches, readManifest, type BackedUp, type BackupManifest, type RestoreTarget } from './manifest.ts';
import { archivedFiles, archiveFolder, commandPath } from './wal-archive.ts';

/** Beside the clusters while one is exchanged for another: a start in between would find none and make an empty one. */
const EXCHANGING = 'restore.json';

export const exchangeFile = (home: Home): string => home.path('postgres', EXCHANGING);

interface Exchange { readonly of: BackedUp; readonly restored: string; readonly replaced: string }

export interface Restored {
  readonly of: BackedUp;
  readonly base: string;
  readonly systemIdentifier: string;
  /** Where the write-ahead log ended for this restore, and its time line from then on. */
  readonly lsn: string;
  readonly timeline: number;
  readonly lastCommit?: string;
  /** The cluster that was there before, kept aside. */
  readonly replaced?: string;
}

const refuse = (code: string, message: string, details: Record<string, string> = {}): DomainError => new DomainError('conflict', code, details, message);

/** The newest base that was finished before the target. Bases of other databases and unfinished ones are not looked at. */
const chooseBase = async (folder: string, of: BackedUp, target: RestoreTarget): Promise<{ base: string; manifest: BackupManifest }> => {
  const bases = await basesIn(folder);
  if (bases.length === 0) throw new DomainError('not-found', 'backup-missing', { folder }, `${folder} holds no backup: expected folders named base-<time> as \`millrace backup\` makes them`);
  for (const base of bases.toReversed()) {
    const manifest = readManifest(base);
    if (manifest.of === of && reaches(manifest, target)) return { base, manifest };
  }
  throw refuse('target-before-backups', `no backup in ${folder} was finished before the moment asked for: the oldest is ${basename(bases[0]!)}`);
};

const requireSameSystem = async (dataDir: string, manifest: BackupManifest): Promise<void> => {
  const here = await systemIdentifierOf(dataDir);
  if (here === undefined || here === manifest.systemIdentifier) return;
  throw refuse('backup-of-another-system', `the backup is of the system ${manifest.systemIdentifier}, ${dataDir} is of ${here}: nothing was changed. Restore it into the data folder it is of, or into a new one with --into`, { backup: manifest.systemIdentifier, here });
};

const verifyBackup = async (folder: string, base: string, manifest: BackupManifest, progress: StepProgress): Promise<void> => {
  progress.begin('verifying', [...manifest.files, ...manifest.wal].reduce((sum, { bytes }) => sum + bytes, 0));
  await refuseStrangers(base, new Set([MANIFEST, ...manifest.files.map(({ path }) => path)]));
  await verifyFiles(base, manifest.files, progress.moved);
  await verifyFiles(join(folder, 'wal'), manifest.wal, progress.moved);
};

/** All segments that can be had, in one place the server may read: the backup's own, and what was archived since. */
const gatherWal = async (home: Home, of: BackedUp, folder: string, into: string, sameHome: boolean, progress: StepProgress): Promise<void> => {
  await mkdir(into, { mode: 0o700 });
  const sources = [join(folder, 'wal'), ...(sameHome ? [archiveFolder(home, of)] : [])];
  const names = new Map<string, string>();
  for (const source of sources) for (const name of await archivedFiles(source)) if (!names.has(name)) names.set(name, join(source, name));
  progress.begin('gathering the log', names.size * 16 * 2 ** 20);
  for (const [name, from] of names) await copyHashed(from, join(into, name), progress.moved);
};

/** A value in postgresql.conf, where a backslash escapes. */
const settingText = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll('\'', '\'\'')}'`;

const recoverySettings = (wal: string, target: RestoreTarget): string => [
  `restore_command = ${settingText(`cp ${commandPath(wal)}/%f %p`)}`,
  ...(target.kind === 'time' ? [`recovery_target_time = ${settingText(new Date(target.time).toISOString().replace('T', ' ').replace('Z', '+00'))}`] : []),
  ...(target.kind === 'lsn' ? [`recovery_target_lsn = ${settingText(target.lsn)}`] : []),
  // Reached means reached: a log that ends before the target fails the restore.
  ...(target.kind === 'latest' ? [] : [`recovery_target_action = 'promote'`]),
  '',
].join('\n');

const RECOVERY_SETTINGS = ['restore_command', 'recovery_target_time', 'recovery_target_lsn', 'recovery_target_action'];

const unreached = (target: RestoreTarget, cause: unknown): DomainError => {
  const said = cause instanceof Error ? cause.message : String(cause);
  const early = /before configured recovery target was reached/.test(said);
  const made = new DomainError('conflict', early ? 'target-not-reached' : 'restore-failed', {}, early
    ? `the archived log ends before ${target.kind === 'latest' ? 'the backup' : target.kind === 'time' ? target.time : target.lsn}: nothing was changed. Restore to latest, or bring the segments that are missing`
    : `Postgres could not replay the log: ${said.split('\n').findLast((line) => /FATAL|PANIC|ERROR/.test(line))?.trim() ?? said.slice(-200)}; nothing was changed`);
  made.cause = cause;
  return made;
};

type Replayed = Pick<Restored, 'lsn' | 'timeline' | 'lastCommit'>;

/** Lets Postgres itself replay the log up to the target and open a time line of its own, beside the cluster in use. */
const replay = async (dataDir: string, password: string, target: RestoreTarget): Promise<Replayed> => {
  const server = await startPostgresServer({ dataDir, superuserPassword: password, port: await freePort(), settings: { fsync: 'on', archive_mode: 'off', max_connections: '100', hot_standby: 'off' } })
    .catch((error: unknown) => { throw unreached(target, error); });
  try {
    return await withAdmin(server.url('postgres', 'postgres', password), async (client) => {
      for (const name of RECOVERY_SETTINGS) await client.query(`alter system reset ${name}`);
      await client.query('checkpoint');
      const { rows: [row] } = await client.query<{ lsn: string; timeline: number }>('select pg_current_wal_lsn()::text as lsn, (pg_control_checkpoint()).timeline_id as timeline');
      return row!;
    });
  } finally {
    await server.stop();
  }
};

/** Both renames, each at most once: called again after a crash it finishes what is left. */
const exchange = async (home: Home, { of, restored, replaced }: Exchange): Promise<void> => {
  const dataDir = home.path('postgres', of);
  if (await stat(restored).then(() => true, () => false)) {
    if (await stat(dataDir).then(() => true, () => false)) await rename(dataDir, replaced);
    await rename(restored, dataDir);
    await syncFolder(home.path('postgres'));
  }
  await rm(exchangeFile(home), { force: true });
};

/** Finishes an exchange of clusters that a crash has cut off. Answers whether there was one. */
export const finishExchange = async (home: Home): Promise<boolean> => {
  const text = readIfThere(exchangeFile(home));
  if (text === undefined) return false;
  await exchange(home, JSON.parse(text) as Exchange);
  return true;
};

/**
 * Restores one cluster of a stopped platform from `<folder>` up to a target. Until the very end everything happens beside the cluster in use, which is
 * kept aside under another name. Throws without having changed anything: `backup-of-another-system`, `backup-altered`, `backup-unreadable`,
 * `target-before-backups`, `target-not-reached`.
 */
export const restoreCluster = async (home: Home, of: BackedUp, folder: string, target: RestoreTarget, progress: StepProgress): Promise<Restored> => {
  await finishExchange(home);
  const dataDir = home.path('postgres', of);
  const { base, manifest } = await chooseBase(folder, of, target);
  const sameHome = await systemIdentifierOf(dataDir) !== undefined;
  await requireSameSystem(dataDir, manifest);
  const password = readIfThere(secretPath(home, `postgres-superuser-${of}.password`))?.trim();
  if (password === undefined) throw refuse('secrets-missing', `${home.path('secrets')} has no postgres-superuser-${of}.password: bring the secrets folder of the data folder that was backed up; backups never hold secrets`);
  await verifyBackup(folder, base, manifest, progress);
  for (const name of await readdir(home.path('postgres'))) if (name.startsWith(`.restore-${of}-`)) await rm(home.path('postgres', name), { recursive: true });
  const scratch = home.path('postgres', `.restore-${of}-${process.pid}`);
  try {
    const replayed = await buildCluster(home, of, folder, base, manifest, target, { scratch, password, sameHome }, progress);
    const replaced = home.path('postgres', `${of}.before-restore-${new Date().toISOString().replaceAll(/[-:.]/g, '')}`);
    const step: Exchange = { of, restored: join(scratch, 'data'), replaced };
    await writeDurably(exchangeFile(home), JSON.stringify(step));
    await exchange(home, step);
    await rm(scratch, { recursive: true, force: true });
    return { of, base, systemIdentifier: manifest.systemIdentifier, ...replayed, ...(sameHome ? { replaced } : {}) };
  } catch (error) {
    if (readIfThere(exchangeFile(home)) === undefined) await rm(scratch, { recursive: true, force: true });
    throw error;
  }
};

interface Place { readonly scratch: string; readonly password: string; readonly sameHome: boolean }

const buildCluster = async (home: Home, of: BackedUp, folder: string, base: string, manifest: BackupManifest, target: RestoreTarget, { scratch, password, sameHome }: Place, progress: StepProgress): Promise<Replayed> => {
  const [data, wal] = [join(scratch, 'data'), join(scratch, 'data', 'millrace-restore-wal')];
  await mkdir(data, { recursive: true, mode: 0o700 });
  await chmod(scratch, 0o711); // the server's user walks through
  progress.begin('restoring', manifest.files.reduce((sum, { bytes }) => sum + bytes, 0));
  for (const path of manifest.directories) await mkdir(join(data, path), { recursive: true, mode: 0o700 });
  for (const { path, sha256 } of manifest.files) {
    await mkdir(dirname(join(data, path)), { recursive: true, mode: 0o700 });
    const copied = await copyHashed(join(base, path), join(data, path), progress.moved);
    if (copied?.sha256 !== sha256) throw new DomainError('invalid', 'backup-altered', { path }, `the backup changed while it was read: ${path}; nothing was changed`);
  }
  await gatherWal(home, of, folder, wal, sameHome, progress);
  const settings = readIfThere(join(data, 'postgresql.auto.conf')) ?? '';
  await writeSynced(join(data, 'postgresql.auto.conf'), `${settings}\n${recoverySettings(wal, target)}`);
  await writeSynced(join(data, 'recovery.signal'), '');
  progress.begin('replaying the log', 0);
  const replayed = await replay(data, password, target);
  await rm(wal, { recursive: true });
  return replayed;
};
