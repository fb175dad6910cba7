import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DomainError } from '@millrace/kernel';
import { z } from 'zod';

/** Which database a backup is of. Keys are never beside events: whoever has both can read what was erased after the backup. */
export const BACKED_UP = ['events', 'keys'] as const;
export type BackedUp = (typeof BACKED_UP)[number];

const lsn = z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/);
const walName = z.string().regex(/^[0-9A-F]{24}$/);
const path = z.string().regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$)).+$/);
const file = z.object({ path, bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) });

const manifest = z.object({
  format: z.literal(1),
  of: z.enum(BACKED_UP),
  /** Of the cluster, made by initdb: a backup is restored into the cluster it was taken from, and into no other. */
  systemIdentifier: z.string().regex(/^\d+$/),
  postgres: z.string(),
  startedAt: z.iso.datetime(), stoppedAt: z.iso.datetime(), startLsn: lsn, stopLsn: lsn,
  /** Segments without which the copy is not consistent; they lie in the backup's own `wal` folder. */
  wal: z.array(file.extend({ path: walName })),
  directories: z.array(path),
  files: z.array(file),
});

/** What a base backup consists of. */
export type BackupManifest = z.infer<typeof manifest>;
export type ManifestFile = z.infer<typeof file>;

export const MANIFEST = 'manifest.json';

const unreadable = (folder: string, why: string): DomainError =>
  new DomainError('invalid', 'backup-unreadable', { folder }, `${folder} is not a whole backup of Millrace (${why}): choose another, nothing was changed`);

/** Throws `backup-unreadable`. */
export const readManifest = (folder: string): BackupManifest => {
  let text: string;
  try {
    text = readFileSync(join(folder, MANIFEST), 'utf8');
  } catch (error) {
    throw unreadable(folder, `no ${MANIFEST}: ${(error as NodeJS.ErrnoException).code ?? 'unreadable'}`);
  }
  try {
    return manifest.parse(JSON.parse(text));
  } catch {
    throw unreadable(folder, `its ${MANIFEST} is damaged`);
  }
};

const lsnNumber = (text: string): bigint => {
  const [high = '0', low = '0'] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
};

/** Where a restore ends: everything that was archived, a moment, or a place in the write-ahead log. */
export type RestoreTarget = { readonly kind: 'latest' } | { readonly kind: 'time'; readonly time: string } | { readonly kind: 'lsn'; readonly lsn: string };

/** `latest`, an ISO 8601 time with its zone, or an LSN such as `0/1A2B3C4`. */
export const parseTarget = (text: string): RestoreTarget => {
  if (text === 'latest') return { kind: 'latest' };
  if (lsn.safeParse(text.toUpperCase()).success) return { kind: 'lsn', lsn: text.toUpperCase() };
  if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/.test(text) && !Number.isNaN(Date.parse(text))) return { kind: 'time', time: text };
  throw new DomainError('invalid', 'option-malformed', { option: '--to' }, `--to wants latest, a time with its zone such as 2026-11-24T10:00:00Z, or an LSN such as 0/1A2B3C4; got "${text.slice(0, 40)}"`);
};

/** Whether a base backup was finished before the target: only then can it be replayed up to there. */
export const reaches = ({ stoppedAt, stopLsn }: Pick<BackupManifest, 'stoppedAt' | 'stopLsn'>, target: RestoreTarget): boolean => {
  if (target.kind === 'latest') return true;
  return target.kind === 'time' ? Date.parse(stoppedAt) <= Date.parse(target.time) : lsnNumber(stopLsn) <= lsnNumber(target.lsn);
};
