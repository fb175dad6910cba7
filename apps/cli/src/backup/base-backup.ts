import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rename, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DomainError } from '@millrace/kernel';
import type { Client } from 'pg';
import type { Home } from '../home/home.ts';
import { copyHashed, syncFileSystem, syncFolder, verifyFiles, writeDurably, writeSynced, type OnBytes } from './file-copy.ts';
import { MANIFEST, type BackedUp, type BackupManifest, type ManifestFile } from './manifest.ts';
import { archivedFiles, archiveFolder, archiverState, ARCHIVING, beginArchiving } from './wal-archive.ts';

/** Told how far a long step is, in bytes. */
export interface StepProgress {
  begin(step: string, bytes: number): void;
  readonly moved: OnBytes;
}

/** What Postgres' manual leaves out of a copied data folder (Making a Base Backup Using the Low Level API), and what is ours. */
const LEFT_OUT = new Set(['postmaster.pid', 'postmaster.opts', 'backup_label', 'tablespace_map', 'current_logfiles', ARCHIVING, 'recovery.signal', 'standby.signal']);
const EMPTIED = new Set(['pg_wal', 'pg_replslot', 'pg_dynshmem', 'pg_notify', 'pg_serial', 'pg_snapshots', 'pg_stat_tmp', 'pg_subtrans']);
const isLeftOut = (name: string): boolean => LEFT_OUT.has(name) || name.startsWith('pgsql_tmp') || name.startsWith('pg_internal.init');

interface Walked { readonly directories: string[]; readonly files: { path: string; bytes: number }[] }

const walk = async (root: string, folder: string, into: Walked): Promise<Walked> => {
  for (const name of await readdir(join(root, folder)).catch(() => [])) { // a database dropped meanwhile takes its folder along
    const path = folder === '' ? name : `${folder}/${name}`;
    if (isLeftOut(name)) continue;
    const found = await lstat(join(root, path)).catch(() => undefined);
    if (found?.isSymbolicLink()) throw new DomainError('conflict', 'tablespace-foreign', { path }, `${path} in the data folder is a link: tables outside of the data folder are not backed up by Millrace; move them back`);
    if (found?.isDirectory()) {
      into.directories.push(path);
      if (EMPTIED.has(path)) {
        if (path === 'pg_wal') into.directories.push('pg_wal/archive_status', 'pg_wal/summaries');
      } else await walk(root, path, into);
    } else if (found?.isFile()) into.files.push({ path, bytes: found.size });
  }
  return into;
};

const copyTree = async (from: string, to: string, progress: StepProgress): Promise<{ directories: string[]; files: ManifestFile[] }> => {
  const { directories, files } = await walk(from, '', { directories: [], files: [] });
  progress.begin('copying', files.reduce((sum, { bytes }) => sum + bytes, 0));
  for (const path of directories) await mkdir(join(to, path), { recursive: true, mode: 0o700 });
  const copied: ManifestFile[] = [];
  for (const { path } of files) {
    const written = await copyHashed(join(from, path), join(to, path), progress.moved);
    if (written) copied.push({ path, ...written });
  }
  return { directories, files: copied };
};

/** A segment's place in the log: names count up within a timeline. */
const needed = (name: string, first: string, last: string): boolean => name >= first && name <= last;

/** The archiver needs a moment per segment; one that fails says so at once, and the folder may be mended meanwhile. */
const ARCHIVED_WITHIN_MS = 60_000;

const untilArchived = async (client: Client, folder: string, of: BackedUp, last: string): Promise<void> => {
  const deadline = Date.now() + ARCHIVED_WITHIN_MS;
  for (;;) {
    if ((await archivedFiles(folder)).includes(last)) return;
    const { failing, lastFailed } = await archiverState(client, of);
    if (Date.now() > deadline) throw new DomainError('unavailable', 'archive-failing', { segment: last }, `the write-ahead log's segment ${last} was not archived to ${folder} within a minute${failing ? ` (the archiver fails at ${lastFailed ?? 'a segment'})` : ''}: make room there and run the backup again; nothing was kept of this one`);
    await pause(100);
  }
};

const requireRoom = async (folder: string, bytes: number): Promise<void> => {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize > bytes * 1.05) return;
  throw new DomainError('unavailable', 'backup-no-room', { folder, bytes }, `${folder} has ${Math.floor(bavail * bsize / 2 ** 20)} MB free, the backup takes about ${Math.ceil(bytes / 2 ** 20)} MB: make room or choose another folder`);
};

interface BackupStart { readonly system: string; readonly version: string; readonly dataDir: string; readonly bytes: number }

const about = async (client: Client): Promise<BackupStart> => {
  const { rows: [row] } = await client.query<BackupStart>(`select (pg_control_system()).system_identifier::text as system, current_setting('server_version') as version,
    current_setting('data_directory') as "dataDir", (select sum(pg_database_size(oid))::float8 from pg_database) as bytes`);
  return row!;
};

/**
 * Copies a running cluster to `<folder>/base-<time>` by Postgres' low-level API: every file between pg_backup_start and pg_backup_stop, then the
 * segments the copy needs from the archive to `<folder>/wal`, then the manifest, then all of it read again and compared. The name appears last: a
 * backup that was cut off leaves a `.partial` folder, which the next one removes. `client` keeps its session for the whole time.
 */
export const takeBaseBackup = async (home: Home, of: BackedUp, client: Client, folder: string, progress: StepProgress): Promise<{ folder: string; manifest: BackupManifest }> => {
  const { system, version, dataDir, bytes } = await about(client);
  await mkdir(join(folder, 'wal'), { recursive: true, mode: 0o700 });
  for (const name of await readdir(folder)) if (name.endsWith('.partial')) await rm(join(folder, name), { recursive: true });
  await requireRoom(folder, bytes);
  await beginArchiving(home, of, dataDir);
  const startedAt = new Date().toISOString();
  const final = join(folder, `base-${startedAt.replaceAll(/[-:]/g, '').replace(/\.\d+Z$/, 'Z')}`);
  const scratch = `${final}.partial`;
  await mkdir(scratch, { mode: 0o700 });
  try {
    const { rows: [start] } = await client.query<{ lsn: string; segment: string }>(`select lsn::text, pg_walfile_name(lsn) as segment from pg_backup_start('millrace', fast => true) as lsn`);
    const tree = await copyTree(dataDir, scratch, progress);
    const { rows: [stop] } = await client.query<{ lsn: string; segment: string; labelfile: string; spcmapfile: string }>('select lsn::text, pg_walfile_name(lsn) as segment, labelfile, spcmapfile from pg_backup_stop(wait_for_archive => false)');
    // Labelled by the server's clock, as commits are: a target time is compared with it.
    const { rows: [clock] } = await client.query<{ now: Date }>('select clock_timestamp() as now');
    const files = [...tree.files, { path: 'backup_label', ...await writeSynced(join(scratch, 'backup_label'), stop!.labelfile) }];
    if (stop!.spcmapfile.trim() !== '') files.push({ path: 'tablespace_map', ...await writeSynced(join(scratch, 'tablespace_map'), stop!.spcmapfile) });
    const archive = archiveFolder(home, of);
    await untilArchived(client, archive, of, stop!.segment);
    const wal: ManifestFile[] = [];
    for (const name of (await archivedFiles(archive)).filter((one) => needed(one, start!.segment, stop!.segment))) wal.push({ path: name, ...(await copyHashed(join(archive, name), join(folder, 'wal', name), () => undefined))! });
    const manifest: BackupManifest = {
      format: 1, of, systemIdentifier: system, postgres: version, startedAt, stoppedAt: clock!.now.toISOString(), startLsn: start!.lsn, stopLsn: stop!.lsn, wal, ...tree, files,
    };
    progress.begin('verifying', files.reduce((sum, file) => sum + file.bytes, 0));
    await verifyFiles(scratch, files, progress.moved);
    await verifyFiles(join(folder, 'wal'), wal, () => undefined);
    await syncFileSystem(folder);
    await writeDurably(join(scratch, MANIFEST), JSON.stringify(manifest));
    await rename(scratch, final);
    await syncFolder(dirname(final));
    return { folder: final, manifest };
  } catch (error) {
    await rm(scratch, { recursive: true, force: true });
    throw error;
  }
};

/** Brings everything archived since into the backup folder; answers how many segments were new. */
export const copyArchive = async (home: Home, of: BackedUp, folder: string): Promise<number> => {
  const [archive, there] = [archiveFolder(home, of), new Set(await archivedFiles(join(folder, 'wal')))];
  const fresh = (await archivedFiles(archive)).filter((name) => !there.has(name));
  for (const name of fresh) {
    await copyHashed(join(archive, name), join(folder, 'wal', `${name}.partial`), () => undefined);
    await rename(join(folder, 'wal', `${name}.partial`), join(folder, 'wal', name));
  }
  await syncFileSystem(join(folder, 'wal'));
  return fresh.length;
};

/** Whole bases of a backup folder, oldest first. */
export const basesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).filter((name) => /^base-\d{8}T\d{6}Z$/.test(name)).toSorted().map((name) => join(folder, name));

/** The hash of a manifest, to be noted where the backup is not: who alters a backup can alter its manifest too. */
export const manifestDigest = async (base: string): Promise<string> => createHash('sha256').update(await readFile(join(base, MANIFEST))).digest('hex');
