import { chown, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'pg';
import type { Home } from '../home/home.ts';
import type { BackedUp } from './manifest.ts';

/** In the data folder: while it is there, finished segments are archived. Made by the first backup, so that nobody archives for nothing. */
export const ARCHIVING = 'millrace-archiving';

export const archiveFolder = (home: Home, of: BackedUp): string => home.path('wal-archive', of);

/** A path in a command of Postgres': one word to the shell whatever is in it, and its percent signs no placeholders. */
export const commandPath = (path: string): string => `'${path.replaceAll('%', '%%').replaceAll('\'', '\'\\\'\'')}'`;

/**
 * What Postgres runs per finished segment (%p: its path, %f: its name): copies it whole, synced, under its final name last. A segment that is
 * there already must be the same one. Failing stops nothing: Postgres keeps the segment and tries again, and `status` says so.
 */
export const archiveCommand = (folder: string): string => {
  const target = `${commandPath(folder)}/%f`;
  return `test ! -f ${ARCHIVING} || cmp -s %p ${target} || ( test ! -f ${target} && cp %p ${target}.partial && sync ${target}.partial && mv ${target}.partial ${target} )`;
};

/** Settings of a server that can archive; without the marker the command answers at once that all is well. */
export const archiveSettings = (home: Home, of: BackedUp): Readonly<Record<string, string>> =>
  ({ archive_mode: 'on', wal_level: 'replica', archive_command: archiveCommand(archiveFolder(home, of)) });

/** From now on segments are archived. The server's user, which is not root, must be able to write there. */
export const beginArchiving = async (home: Home, of: BackedUp, dataDir: string): Promise<void> => {
  const folder = archiveFolder(home, of);
  const { uid, gid } = await stat(dataDir);
  await mkdir(folder, { recursive: true, mode: 0o711 });
  await chown(folder, uid, gid);
  const marker = join(dataDir, ARCHIVING);
  await writeFile(marker, '', { mode: 0o600 });
  await chown(marker, uid, gid);
};

export interface ArchiverState {
  readonly of: BackedUp;
  /** False: no backup was ever made, so nothing is archived. */
  readonly archiving: boolean;
  /** The last attempt failed: the folder is full or gone. Appends go on; what can't be archived is kept beside the database. */
  readonly failing: boolean;
  readonly lastArchived?: string;
  readonly lastFailed?: string;
  /** Segments (16 MiB each) that wait to be archived. */
  readonly waitingSegments: number;
}

interface ArchiverRow { readonly last_archived_wal: string | null; readonly last_failed_wal: string | null; readonly failing: boolean; readonly archiving: boolean; readonly waiting: number }

const STATE = `select last_archived_wal, last_failed_wal, coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) as failing,
  (select count(*)::integer from pg_ls_archive_statusdir() where name like '%.ready') as waiting,
  (pg_stat_file($1, true)).size is not null as archiving from pg_stat_archiver`;

/** As the server counts it; asked with its superuser. */
export const archiverState = async (client: Client, of: BackedUp): Promise<ArchiverState> => {
  const { rows: [row] } = await client.query<ArchiverRow>(STATE, [ARCHIVING]);
  return {
    of, archiving: row!.archiving, failing: row!.archiving && row!.failing, waitingSegments: row!.waiting,
    ...(row!.last_archived_wal === null ? {} : { lastArchived: row!.last_archived_wal }), ...(row!.last_failed_wal === null ? {} : { lastFailed: row!.last_failed_wal }),
  };
};

const SEGMENT = /^[0-9A-F]{24}$/;

/** Segments and timeline histories of a folder. */
export const archivedFiles = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).filter((name) => SEGMENT.test(name) || /^[0-9A-F]{8}\.history$/.test(name)).toSorted();

/** Removes segments that only bases before `oldest` needed; the names count up, whatever the timeline. */
export const pruneSegments = async (folder: string, oldest: string): Promise<number> => {
  const old = (await archivedFiles(folder)).filter((name) => SEGMENT.test(name) && name.slice(8) < oldest.slice(8));
  for (const name of old) await rm(join(folder, name));
  return old.length;
};
