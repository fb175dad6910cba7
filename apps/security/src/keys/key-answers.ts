import { DomainError, isDomainError } from '@millrace/kernel';
import { openKeyRequest, refuseKeyRequest, sealKeyAnswer, type KeyAnswer, type KeyOperation, type KeyRequest, type SubjectKeyProvider, type SubjectKeys } from '@millrace/privacy';
import type { Logger } from '@millrace/service-kit';
import type { KeyPair } from '@nats-io/nkeys';

/** Security's own curve key and who may ask it. */
export interface KeyExchangeParties {
  readonly own: KeyPair;
  /** Service name by public curve key. */
  readonly callers: ReadonlyMap<string, string>;
}

/**
 * Answers sealed questions for keys. Always answers: a caller it knows gets keys or a sealed refusal, anyone else a bare code. Never logs
 * what a question holds.
 */
export class KeyAnswers {
  readonly #keys: SubjectKeyProvider;
  readonly #own: KeyPair;
  readonly #callers: ReadonlyMap<string, string>;
  readonly #allowed: ReadonlySet<string>;
  readonly #logger: Logger;

  constructor(keys: SubjectKeyProvider, { own, callers }: KeyExchangeParties, logger: Logger) {
    this.#keys = keys;
    this.#own = own;
    this.#callers = callers;
    this.#allowed = new Set(callers.keys());
    this.#logger = logger;
  }

  /** `operation` is that of the NATS subject the bytes came on; a request made for another is refused. */
  async answer(operation: KeyOperation, bytes: Uint8Array): Promise<Uint8Array> {
    const opened = this.#open(bytes);
    if ('code' in opened) return refuseKeyRequest(opened.code);
    const { from, request } = opened;
    return sealKeyAnswer(await this.#answerTo(operation, request, this.#callers.get(from) ?? 'unknown'), this.#own, from);
  }

  #open(bytes: Uint8Array): { from: string; request: KeyRequest } | { code: string } {
    try {
      return openKeyRequest(bytes, this.#own, this.#allowed);
    } catch (error) {
      if (!isDomainError(error)) throw error;
      this.#logger.warn({ code: error.code, bytes: bytes.length }, 'key request refused');
      return { code: error.code };
    }
  }

  async #answerTo(operation: KeyOperation, request: KeyRequest, caller: string): Promise<KeyAnswer> {
    const { nonce } = request;
    try {
      if (request.operation !== operation) throw new DomainError('invalid', 'key-operation-mismatch', { operation }, `A request for ${request.operation} came on the subject of ${operation}.`);
      return { nonce, subjects: await this.#subjects(request) };
    } catch (error) {
      const { kind, code } = isDomainError(error) ? error : new DomainError('unavailable', 'internal-error');
      this.#logger.warn({ err: error, operation, caller, items: request.items.length }, 'key request failed');
      return { nonce, refused: { kind, code } };
    }
  }

  async #subjects(request: KeyRequest): Promise<(SubjectKeys | undefined)[]> {
    const { tenant } = request;
    if (request.operation === 'resolve') return this.#keys.resolve(tenant, request.items);
    // One call per set of purposes: the callers coalesced into a request usually want the same ones.
    const { operation, items } = request;
    return operation === 'find'
      ? inGroups(items, (group, purposes) => this.#keys.find(tenant, group.map(({ identifiers }) => identifiers), purposes))
      : inGroups(items, (group, purposes) => this.#keys.keysOf(tenant, group.map(({ ref }) => ref), purposes));
  }
}

/** Asks per distinct list of purposes, answers in the order of the items. */
const inGroups = async <Item extends { readonly purposes: readonly string[] }, Answer>(items: readonly Item[], ask: (group: readonly Item[], purposes: readonly string[]) => Promise<readonly Answer[]>): Promise<Answer[]> => {
  const groups = Map.groupBy(items, ({ purposes }) => purposes.join(' '));
  const answers = new Map<Item, Answer>();
  await Promise.all([...groups.values()].map(async (group) => {
    for (const [index, answer] of (await ask(group, group[0]!.purposes)).entries()) answers.set(group[index]!, answer);
  }));
  return items.map((item) => answers.get(item)!);
};
