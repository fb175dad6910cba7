import { chmod, rm } from 'node:fs/promises';
import { basename, join, resolve, sep } from 'node:path';
import type { SingleBar } from 'cli-progress';
import { DomainError } from '@millrace/kernel';
import { basesIn, copyArchive, manifestDigest, takeBaseBackup, type StepProgress } from '../backup/base-backup.ts';
import { BACKED_UP, parseTarget, readManifest, type BackedUp } from '../backup/manifest.ts';
import { restoreCluster, type Restored } from '../backup/restore.ts';
import { archiveFolder, pruneSegments } from '../backup/wal-archive.ts';
import { connectPlatform } from '../client/platform-client.ts';
import { homeAt, openHome, type Home } from '../home/home.ts';
import { acquireLock } from '../home/lock.ts';
import { postgresPassword } from '../home/secret.ts';
import { megabytes } from '../output/table.ts';
import { progressBar } from '../output/progress-bar.ts';
import { present } from '../output/terminal.ts';
import { withAdmin } from '../provision/databases.ts';
import type { CommandContext, Register } from './command-context.ts';

/** Erasure is complete when the last backup of the keys is gone: the certificate names this. */
const KEYS_KEPT_DAYS = 35;
const DAY_MS = 86_400_000;
const stepProgress = (stream: NodeJS.WritableStream): StepProgress & { stop(): void } => {
  let bar: SingleBar | undefined;
  let done = 0;
  return {
    begin(step, bytes) {
      bar?.stop();
      done = 0;
      bar = progressBar(stream, `${step.padEnd(18)} [{bar}] {percentage}% | {megabytes} of ${megabytes(bytes)} | {eta_formatted} left`);
      bar.start(bytes, 0, { megabytes: megabytes(0) });
    },
    moved(bytes) {
      done += bytes;
      bar?.update(done, { megabytes: megabytes(done) });
    },
    stop: () => bar?.stop(),
  };
};

interface TakenBackup { readonly of: BackedUp; readonly folder: string; readonly bytes: number; readonly files: number; readonly stoppedAt: string; readonly stopLsn: string; readonly segments: number; readonly manifestSha256: string; readonly expired: readonly string[] }

const adminUrl = (home: Home, port: number, of: BackedUp): string => `postgres://postgres:${postgresPassword(home, `superuser-${of}`)}@127.0.0.1:${port}/postgres`;

/** Removes bases of the keys older than they may be kept, and the segments only those needed. Events are kept until somebody removes them. */
const expire = async (home: Home, of: BackedUp, folder: string): Promise<string[]> => {
  const bases = await basesIn(folder);
  const old = of === 'keys' ? bases.filter((base) => Date.parse(readManifest(base).stoppedAt) < Date.now() - KEYS_KEPT_DAYS * DAY_MS) : [];
  for (const base of old) await rm(base, { recursive: true });
  const [oldest] = bases.filter((base) => !old.includes(base));
  const first = oldest === undefined ? undefined : readManifest(oldest).wal[0]?.path;
  if (first !== undefined) await pruneSegments(join(folder, 'wal'), first);
  // What the backup folder has need not be kept beside the database as well.
  const newest = bases.at(-1);
  const keepFrom = newest === undefined ? undefined : readManifest(newest).wal[0]?.path;
  if (keepFrom !== undefined) await pruneSegments(archiveFolder(home, of), keepFrom);
  return old.map((base) => basename(base));
};

const backUp = async ({ config, terminal }: CommandContext, of: BackedUp, folder: string): Promise<TakenBackup> => {
  const external = config.external[of];
  if (external !== undefined) throw new DomainError('invalid', 'backup-external', { of }, `the ${of} database runs at an address of its own (MILLRACE_${of === 'events' ? 'EVENTS' : 'KEYS'}_POSTGRES_URL): back it up by that server's own means`);
  const home = homeAt(config.home);
  const { ports } = connectPlatform(config.home);
  const progress = stepProgress(terminal.progress);
  try {
    const taken = await withAdmin(adminUrl(home, ports[`postgres-${of}`], of), (client) => takeBaseBackup(home, of, client, folder, progress));
    const segments = await copyArchive(home, of, folder);
    const { files, stoppedAt, stopLsn } = taken.manifest;
    return { of, folder: taken.folder, bytes: files.reduce((sum, file) => sum + file.bytes, 0), files: files.length, stoppedAt, stopLsn, segments, manifestSha256: await manifestDigest(taken.folder), expired: await expire(home, of, folder) };
  } finally {
    progress.stop();
  }
};

const isWithin = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(outer + sep);

const backupText = (taken: TakenBackup): string => [
  `${taken.of}: ${taken.folder}`, `  ${taken.files} files, ${megabytes(taken.bytes)}, verified; complete at ${taken.stoppedAt} (${taken.stopLsn}), ${taken.segments} log segments with it`,
  `  manifest sha256 ${taken.manifestSha256}`, ...(taken.expired.length === 0 ? [] : [`  removed, older than ${KEYS_KEPT_DAYS} days: ${taken.expired.join(', ')}`]),
].join('\n');

export const registerBackup: Register = (program, context) => {
  program.command('backup <dir>').description('copy the running event database to a folder, and archive its log from now on')
    .option('--keys <dir>', `back up the keys too, to a folder of their own; kept at most ${KEYS_KEPT_DAYS} days`)
    .option('--json', 'one JSON document on standard output')
    .action(async (dir: string, { keys, json }: { keys?: string; json?: boolean }) => {
      const [events, apart] = [resolve(dir), keys === undefined ? undefined : resolve(keys)];
      if (apart !== undefined && (isWithin(apart, events) || isWithin(events, apart))) throw new DomainError('invalid', 'keys-not-apart', {}, 'the keys must not be in the events\' backup, nor the other way round: whoever holds both can read what was erased since; give --keys a folder elsewhere');
      const taken = [await backUp(context, 'events', events)];
      if (apart !== undefined) taken.push(await backUp(context, 'keys', apart));
      present(context.terminal, json === true, { backups: taken }, () => taken.map(backupText).join('\n'));
    });
};

const restoredText = ({ of, base, lsn, timeline, replaced }: Restored): string => [
  `${of} restored from ${base} up to ${lsn}, on time line ${timeline}`, ...(replaced === undefined ? [] : [`what was there is kept in ${replaced}: remove it when you are sure`]),
  ...(of === 'events' ? ['start with `millrace up`; relay and consumers that are ahead say diverged, and `millrace recover` explains and mends it'] : []),
].join('\n');

export const registerRestore: Register = (program, context) => {
  program.command('restore <dir>').description('put a database of the stopped platform back to how it was')
    .option('--to <target>', 'latest, a time with its zone (2026-11-24T10:00:00Z) or an LSN', parseTarget, { kind: 'latest' as const })
    .option('--into <home>', 'data folder to restore into, if not this one')
    .option('--of <database>', 'events or keys', 'events')
    .option('--json', 'one JSON document on standard output')
    .action(async (dir: string, { to, into, of, json }: { to: ReturnType<typeof parseTarget>; into?: string; of: string; json?: boolean }) => {
      const which = BACKED_UP.find((name) => name === of);
      if (which === undefined) throw new DomainError('invalid', 'option-malformed', { option: '--of' }, `--of wants events or keys; got "${of.slice(0, 40)}"`);
      const home = openHome(into === undefined ? context.config.home : resolve(into));
      const lock = acquireLock(home); // as the platform would: it must not start while its database is exchanged
      const progress = stepProgress(context.terminal.progress);
      try {
        const restored = await restoreCluster(home, which, resolve(dir), to, progress);
        await chmod(home.path('postgres', which), 0o700);
        present(context.terminal, json === true, restored, () => restoredText(restored));
      } finally {
        progress.stop();
        lock.release();
      }
    });
};
