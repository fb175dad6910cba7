import { randomBytes } from 'node:crypto';
import { DomainError, isDomainError, parseTenant, type Tenant } from '@millrace/kernel';
import { fromCurveSeed, type KeyPair } from '@nats-io/nkeys';
import { normaliseIdentifier } from './identifier.ts';
import { KEY_REQUEST_BOUNDS, KEY_SUBJECTS, openKeyAnswer, sealKeyRequest, type KeyOperation, type KeyRequest, type NamedItem, type ReferredItem } from './key-exchange.ts';
import { QuestionBatch } from './question-batch.ts';
import type { IdentifierValue, SubjectKeyProvider, SubjectKeys, SubjectQuestion } from './subject-keys.ts';

/** Request/reply, as NATS has it. Must reject when no answer comes in time. */
export interface RequestPort {
  ask(subject: string, bytes: Uint8Array): Promise<Uint8Array>;
}

export interface KeyClientIdentity {
  /** This service's curve seed (`SX…`), as in the file MILLRACE_XKEY_SEED_FILE names. */
  readonly seed: string;
  /** Security's public curve key (`X…`). */
  readonly securityXkey: string;
}

// Two requests in flight keep both sides busy: a curve box costs either side about 2 ms, whatever is in it.
const BATCH = { maxItems: KEY_REQUEST_BOUNDS.maxItems, maxWeight: KEY_REQUEST_BOUNDS.maxBytes, maxInFlight: 2, maxWaiting: 20_000 };

type Item = NamedItem | ReferredItem;
type Answer = SubjectKeys | undefined;

/**
 * Subject keys from security over request/reply. Requests and answers are sealed with curve keys, so neither NATS nor whoever listens
 * there sees an identifier or a key. Concurrent questions of one tenant and kind are coalesced. Errors: DomainError `invalid`
 * (`identifier-malformed`, `tenant-malformed`, `key-question-malformed`) before anything is sent, else `unavailable`. No cache of its own:
 * wrap it in CachedSubjectKeys.
 */
export class NatsSubjectKeyProvider implements SubjectKeyProvider {
  readonly #port: RequestPort;
  readonly #own: KeyPair;
  readonly #ownPublicKey: string;
  readonly #security: string;
  readonly #batches = new Map<string, QuestionBatch<Item, Answer>>();

  constructor(port: RequestPort, { seed, securityXkey }: KeyClientIdentity) {
    this.#port = port;
    this.#own = fromCurveSeed(Buffer.from(seed.trim()));
    this.#ownPublicKey = this.#own.getPublicKey();
    this.#security = securityXkey;
  }

  async resolve(tenant: Tenant, questions: readonly SubjectQuestion[]): Promise<SubjectKeys[]> {
    const answers = await this.#askAll(tenant, 'resolve', questions.map(namedItem));
    return answers.map((answer) => answer ?? fail('resolve-left-unanswered'));
  }

  async find(tenant: Tenant, identifiers: readonly (readonly IdentifierValue[])[], purposes: readonly string[]): Promise<Answer[]> {
    return this.#askAll(tenant, 'find', identifiers.map((list) => namedItem({ identifiers: list, purposes })));
  }

  async keysOf(tenant: Tenant, refs: readonly string[], purposes: readonly string[]): Promise<Answer[]> {
    return this.#askAll(tenant, 'keys-of', refs.map((ref) => ({ ref, purposes: [...purposes] })));
  }

  #askAll(tenant: Tenant, operation: KeyOperation, items: readonly Item[]): Promise<Answer[]> {
    const batch = this.#batchOf(parseTenant(tenant), operation);
    return Promise.all(items.map((item) => batch.ask(item, Buffer.byteLength(JSON.stringify(item)))));
  }

  /** One batch per tenant and operation; tenants are few and known, so these are kept. */
  #batchOf(tenant: Tenant, operation: KeyOperation): QuestionBatch<Item, Answer> {
    const name = `${operation}|${tenant}`;
    let batch = this.#batches.get(name);
    if (!batch) {
      batch = new QuestionBatch((items) => this.#request({ operation, tenant, items } as Pick<KeyRequest, 'operation' | 'tenant' | 'items'>), BATCH);
      this.#batches.set(name, batch);
    }
    return batch;
  }

  async #request(question: Pick<KeyRequest, 'operation' | 'tenant' | 'items'>): Promise<readonly Answer[]> {
    const nonce = randomBytes(16).toString('base64url');
    const request = { ...question, nonce } as KeyRequest;
    const answer = openKeyAnswer(await this.#ask(request), this.#own, this.#security, nonce);
    return 'refused' in answer ? fail(answer.refused.code) : answer.subjects;
  }

  async #ask(request: KeyRequest): Promise<Uint8Array> {
    try {
      return await this.#port.ask(KEY_SUBJECTS[request.operation], sealKeyRequest(request, this.#own, this.#ownPublicKey, this.#security));
    } catch (error) {
      throw isDomainError(error) ? error : Object.assign(unavailable('no-answer'), { cause: error });
    }
  }
}

const namedItem = ({ identifiers, purposes }: SubjectQuestion): NamedItem => {
  if (identifiers.length === 0 || identifiers.length > KEY_REQUEST_BOUNDS.maxIdentifiers) {
    throw new DomainError('invalid', 'key-question-malformed', { identifiers: identifiers.length }, `A question for keys names 1 to ${KEY_REQUEST_BOUNDS.maxIdentifiers} identifiers; got ${identifiers.length}.`);
  }
  return { identifiers: identifiers.map(normaliseIdentifier), purposes: [...purposes] };
};

const unavailable = (reason: string): DomainError =>
  new DomainError('unavailable', 'keys-unavailable', { reason }, `Security gave no keys (${reason}); nothing is sealed until it does.`);

const fail = (reason: string): never => {
  throw unavailable(reason);
};
