import type { Clock } from '@millrace/kernel';
import {
  cosign, extensionOf, formatNote, formatSignature, isSignedBy, parseCheckpoint, parseNote, parseOrigin, verifyConsistency,
  type Checkpoint, type LogOrigin, type SignedNote, type SigningKey, type VerifierKey,
} from '@millrace/ledger';
import { parseWitnessRequest, type WitnessRequest } from './witness-request.ts';
import type { WitnessedTree, WitnessState } from './witness-state.ts';

/** What a witness answers: a cosignature, the size it remembers, or why not. Statuses are those of C2SP tlog-witness. */
export type WitnessAnswer =
  | { readonly status: 200; readonly signature: string }
  | { readonly status: 409; readonly size: number }
  | { readonly status: 400 | 403 | 404 | 422; readonly reason: string };

interface Submission {
  readonly request: WitnessRequest;
  readonly note: SignedNote;
  readonly checkpoint: Checkpoint;
  readonly origin: LogOrigin;
}

const refuse = (status: 400 | 403 | 404 | 422, reason: string): WitnessAnswer => ({ status, reason });

/**
 * Remembers the largest tree it has seen of every log and signs only what begins with it. Requests are answered one after the other, so that
 * no two of them are checked against the same memory. It can't tell a true log from a false one, only that a log does not change what it was.
 */
export class Witness {
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly state: WitnessState,
    private readonly key: SigningKey,
    private readonly logKeys: readonly VerifierKey[],
    private readonly clock: Clock,
  ) {}

  /** Throws DomainError `invalid` for a request or checkpoint that isn't one. */
  add(body: string): Promise<WitnessAnswer> {
    const answer = this.turn.then(() => this.answer(body));
    this.turn = answer.catch(() => undefined); // the caller of that turn is told; the next one goes on
    return answer;
  }

  private async answer(body: string): Promise<WitnessAnswer> {
    const request = parseWitnessRequest(body);
    const note = parseNote(request.checkpoint);
    const checkpoint = parseCheckpoint(note.text);
    const origin = parseOrigin(checkpoint.origin);
    if (origin === undefined) return refuse(404, 'no log of that origin is witnessed here');
    if (!this.logKeys.some((key) => isSignedBy(note, key))) return refuse(403, 'the checkpoint is not signed with a key this witness trusts');
    if (request.oldSize > checkpoint.size) return refuse(400, `the old size ${request.oldSize} is beyond the checkpoint's ${checkpoint.size}`);
    const submission = { request, note, checkpoint, origin };
    const newest = this.state.newestEpoch(origin);
    if (newest !== undefined && newest.epoch > origin.epoch) return refuse(403, `the log's epoch is ${newest.epoch} by now: checkpoints of ${origin.epoch} are no longer cosigned`);
    const known = this.state.last(checkpoint.origin);
    return known === undefined ? this.first(submission, newest?.tree) : this.next(submission, known);
  }

  /** `before`: the last tree of the epoch before, when there was one. */
  private first(submission: Submission, before: WitnessedTree | undefined): Promise<WitnessAnswer> | WitnessAnswer {
    const { request, checkpoint } = submission;
    if (request.oldSize !== 0) return { status: 409, size: 0 };
    if (checkpoint.size === 0 || request.proof.length > 0) return refuse(422, 'the first checkpoint has leaves and no proof');
    const named = extensionOf(checkpoint);
    if (before !== undefined && (named?.origin !== before.origin || named.size !== before.size || Buffer.compare(named.root, before.root) !== 0)) {
      return refuse(422, `the first checkpoint of a new epoch names the last cosigned one of the old: ${before.origin} at ${before.size}`);
    }
    return this.sign(submission);
  }

  private next(submission: Submission, known: WitnessedTree): Promise<WitnessAnswer> | WitnessAnswer {
    const { request, checkpoint } = submission;
    if (request.oldSize !== known.size) return { status: 409, size: known.size };
    if (checkpoint.size === known.size && Buffer.compare(checkpoint.root, known.root) !== 0) return { status: 409, size: known.size };
    if (!verifyConsistency(known.size, checkpoint.size, known.root, checkpoint.root, request.proof)) return refuse(422, `the proof does not lead from the tree of ${known.size} leaves that was cosigned to this one`);
    return this.sign(submission);
  }

  private async sign({ note, checkpoint, origin }: Submission): Promise<WitnessAnswer> {
    const signature = cosign(note.text, this.key, this.clock.now());
    const logs = note.signatures.filter(({ name, keyId }) => this.logKeys.some((key) => key.name === name && key.keyId.equals(keyId)));
    await this.state.keep(origin, { origin: checkpoint.origin, size: checkpoint.size, root: checkpoint.root, note: formatNote({ text: note.text, signatures: [...logs, signature] }) });
    return { status: 200, signature: formatSignature(signature) };
  }
}
