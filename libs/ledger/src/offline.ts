import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError } from '@millrace/kernel';
import type { TrustedKeys } from './checkpoint.ts';
import { verifyExport } from './export-verification.ts';
import { parseProof, verifyProof } from './log-proof.ts';
import { VerifierKey, type KeyPurpose } from './note-key.ts';

const isMissing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

const readIfThere = async (path: string): Promise<Buffer | undefined> => {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
};

/** A verifier key as text, or the name of a file that holds one. `ledger-key-malformed` when it's neither or of the other purpose. */
export const readVerifierKey = async (textOrFile: string, purpose: KeyPurpose): Promise<VerifierKey> => {
  const file = /\+[0-9a-f]{8}\+/.test(textOrFile) ? undefined : await readIfThere(textOrFile);
  const key = VerifierKey.parse(file?.toString('utf8') ?? textOrFile);
  if (key.purpose === purpose) return key;
  throw new DomainError('invalid', 'ledger-key-malformed', {}, `${key.name} is the key of a ${key.purpose}, a ${purpose}'s was expected: --key takes the log's, --witness-key the witness's.`);
};

/** What was verified, as one sentence and as fields. */
export interface OfflineVerdict {
  readonly kind: 'export' | 'proof';
  readonly origin: string;
  readonly size: number;
  readonly cosignedAt?: string;
  /** Of a proof. */
  readonly position?: number;
  readonly envelope?: unknown;
  /** Of an export. */
  readonly redacted?: readonly number[];
}

/**
 * Verifies an export (a folder) or a proof (a file) with nothing else: no service, no database, no network. Throws a DomainError of one line
 * for anything that does not hold.
 */
export const verifyOffline = async (path: string, keys: TrustedKeys, progress?: (done: number, total: number) => void): Promise<OfflineVerdict> => {
  const found = await stat(path).catch((error: unknown) => { if (isMissing(error)) return undefined; throw error; });
  if (found === undefined) throw new DomainError('not-found', 'nothing-to-verify', {}, `There is no ${path}: name the folder of an export or the file of a proof.`);
  if (found.isDirectory()) {
    const { checkpoint, redacted } = await verifyExport((name) => readIfThere(join(path, name)), keys, progress);
    return { kind: 'export', origin: checkpoint.origin, size: checkpoint.size, ...timeOf(checkpoint), redacted };
  }
  const proof = parseProof(await readFile(path, 'utf8'));
  const checkpoint = verifyProof(proof, keys);
  return { kind: 'proof', origin: checkpoint.origin, size: checkpoint.size, ...timeOf(checkpoint), position: proof.index + 1, envelope: JSON.parse(Buffer.from(proof.entry.subarray(0, -32)).toString('utf8')) as unknown };
};

const timeOf = ({ cosignedAt }: { readonly cosignedAt?: Date }): { cosignedAt?: string } => (cosignedAt === undefined ? {} : { cosignedAt: cosignedAt.toISOString() });

/** The verdict for a person. */
export const verdictLine = ({ kind, origin, size, cosignedAt, position, redacted = [] }: OfflineVerdict): string => {
  const seen = cosignedAt === undefined ? 'signed; no witness key was given' : `cosigned ${cosignedAt}`;
  return kind === 'proof'
    ? `valid: the event stands at position ${position} of ${origin}, among ${size} (${seen})`
    : `valid: ${size} events of ${origin} (${seen})${redacted.length === 0 ? '' : `; redacted: ${redacted.length} (positions ${redacted.slice(0, 10).join(', ')}${redacted.length > 10 ? ', …' : ''})`}`;
};
