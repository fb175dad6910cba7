import { DomainError } from '@millrace/kernel';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { openCheckpoint, type TrustedKeys, type VerifiedCheckpoint } from './checkpoint.ts';
import { verifyInclusion } from './proof-verification.ts';
import { hashLeaf } from './tree-hash.ts';

/** That one entry stands in a log, for somebody who has only the keys (C2SP tlog-proof). */
export interface LogProof {
  /** The log's entry itself, in the format's `extra` line: the envelope's RFC 8785 bytes and the 32-byte digest of salt and data. */
  readonly entry: Uint8Array;
  /** 0-based. */
  readonly index: number;
  readonly path: readonly Uint8Array[];
  /** The signed note. */
  readonly checkpoint: string;
}

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';
/** A path in a tree of 2^53 leaves has 53. */
const MAX_PATH = 63;

const malformed = (what: string): DomainError => new DomainError('invalid', 'proof-malformed', {}, `This is not a proof file: ${what}. It was cut or edited, or is something else.`);

/** The file's text. */
export const formatProof = ({ entry, index, path, checkpoint }: LogProof): string =>
  `${[FIRST_LINE, `extra ${encodeBase64(entry)}`, `index ${index}`, ...path.map(encodeBase64)].join('\n')}\n\n${checkpoint}`;

/** Reads a proof file; throws `proof-malformed`. Nothing of it is verified. */
export const parseProof = (text: string): LogProof => {
  const split = text.indexOf('\n\n');
  const [first, extra = '', indexLine = '', ...path] = text.slice(0, Math.max(split, 0)).split('\n');
  if (first !== FIRST_LINE) throw malformed(`its first line is not ${FIRST_LINE}`);
  const entry = extra.startsWith('extra ') ? decodeBase64(extra.slice(6)) : undefined;
  if (entry === undefined) throw malformed('its second line is not "extra" and the entry in base64');
  const index = /^index (0|[1-9]\d{0,15})$/.exec(indexLine)?.[1];
  if (index === undefined) throw malformed('its third line is not "index" and a number');
  const hashes = path.map(decodeBase64);
  if (hashes.length > MAX_PATH || !hashes.every((hash) => hash?.length === 32)) throw malformed('its path is not a list of 32-byte hashes in base64');
  return { entry, index: Number(index), path: hashes.flatMap((hash) => hash ?? []), checkpoint: text.slice(split + 2) };
};

/** Checks a proof with the keys one trusts; throws what `openCheckpoint` throws, or `proof-wrong`. The entry may be believed afterwards. */
export const verifyProof = (proof: LogProof, keys: TrustedKeys): VerifiedCheckpoint => {
  const checkpoint = openCheckpoint(proof.checkpoint, keys);
  if (verifyInclusion(proof.index, checkpoint.size, hashLeaf(proof.entry), checkpoint.root, proof.path)) return checkpoint;
  throw new DomainError('invalid', 'proof-wrong', { index: proof.index, size: checkpoint.size },
    `The path does not lead from the entry at index ${proof.index} to the root of ${checkpoint.origin} at size ${checkpoint.size}: the entry, the path or the index was changed, or the proof belongs to another tree size.`);
};
