import { DomainError } from '@millrace/kernel';
import { decodeBase64, encodeBase64 } from '@millrace/ledger';

/** What a log asks a witness (C2SP tlog-witness, add-checkpoint). */
export interface WitnessRequest {
  readonly oldSize: number;
  readonly proof: readonly Uint8Array[];
  /** The signed note. */
  readonly checkpoint: string;
}

/** A consistency proof of a tree of 2^53 leaves is shorter. */
const MAX_PROOF = 63;

const malformed = (message: string): DomainError => new DomainError('invalid', 'witness-request-malformed', {}, message);

export const formatWitnessRequest = ({ oldSize, proof, checkpoint }: WitnessRequest): string =>
  `old ${oldSize}\n${proof.map((hash) => `${encodeBase64(hash)}\n`).join('')}\n${checkpoint}`;

/** Throws DomainError `witness-request-malformed`. */
export const parseWitnessRequest = (body: string): WitnessRequest => {
  const split = body.indexOf('\n\n');
  const [first = '', ...lines] = body.slice(0, Math.max(split, 0)).split('\n');
  const size = /^old (0|[1-9]\d{0,15})$/.exec(first)?.[1];
  if (size === undefined || !Number.isSafeInteger(Number(size))) throw malformed('The first line is "old" and the size of the last cosigned tree; an empty line follows the proof.');
  const proof = lines.map(decodeBase64);
  if (proof.length > MAX_PROOF || !proof.every((hash) => hash?.length === 32)) throw malformed(`The proof is at most ${MAX_PROOF} lines of one 32-byte hash in base64.`);
  return { oldSize: Number(size), proof: proof.flatMap((hash) => hash ?? []), checkpoint: body.slice(split + 2) };
};
