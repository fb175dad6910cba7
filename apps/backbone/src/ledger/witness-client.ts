import { parseSignature, type NoteSignature } from '@millrace/ledger';
import { formatWitnessRequest, type WitnessRequest } from '../witness/witness-request.ts';

/** What came of asking the witness. `size` is what it remembers. */
export type WitnessReply =
  | { readonly kind: 'cosigned'; readonly signatures: readonly NoteSignature[] }
  | { readonly kind: 'other-size'; readonly size: number }
  | { readonly kind: 'inconsistent'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'away'; readonly reason: string };

/** It answers after one fsync; a disk that takes longer is as good as away. */
const TIMEOUT_MS = 5_000;
const MAX_REASON = 300;

const replyOf = (status: number, text: string): WitnessReply => {
  const reason = text.trim().slice(0, MAX_REASON);
  if (status === 200) return { kind: 'cosigned', signatures: text.trimEnd().split('\n').map(parseSignature) };
  if (status === 409 && /^\d{1,16}$/.test(reason)) return { kind: 'other-size', size: Number(reason) };
  if (status === 422) return { kind: 'inconsistent', reason };
  return status >= 500 ? { kind: 'away', reason: `it answered ${status}` } : { kind: 'refused', reason: `it answered ${status}: ${reason}` };
};

/** Speaks C2SP tlog-witness to one witness. Never throws for what the witness does or doesn't do. */
export class WitnessClient {
  constructor(private readonly url: string) {}

  async add(request: WitnessRequest): Promise<WitnessReply> {
    try {
      const response = await fetch(`${this.url}/add-checkpoint`, { method: 'POST', body: formatWitnessRequest(request), signal: AbortSignal.timeout(TIMEOUT_MS) });
      return replyOf(response.status, await response.text());
    } catch (error) {
      return { kind: 'away', reason: error instanceof Error ? error.name : 'failed' };
    }
  }

  /** The last cosigned note of every origin; undefined when the witness doesn't answer. */
  async checkpoints(): Promise<string[] | undefined> {
    try {
      const response = await fetch(`${this.url}/v1/checkpoints`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      const body: unknown = await response.json();
      return response.ok && typeof body === 'object' && body !== null && 'checkpoints' in body && Array.isArray(body.checkpoints) ? body.checkpoints.filter((note) => typeof note === 'string') : undefined;
    } catch {
      return undefined; // the caller says that the witness was not heard
    }
  }
}
