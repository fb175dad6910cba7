import { hash, randomBytes } from 'node:crypto';
import type { Tenant } from '@millrace/kernel';
import { BoundedCache } from './bounded-cache.ts';
import { identifierText, normaliseIdentifier } from './identifier.ts';
import type { DataKey, IdentifierValue, SubjectKeyProvider, SubjectKeys, SubjectQuestion } from './subject-keys.ts';

/** Bounds of the keys a process holds. */
export interface KeyCacheBounds {
  /** Subjects whose keys are held; each counts for up to four keys and two questions about it. */
  readonly maxSubjects: number;
  /** Longest time a key outlives its erasure in this process. */
  readonly ttlMs: number;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

/** 100,000 subjects with their keys are below 100 MB; five minutes bound how long an erased subject can still be sealed for. */
export const DEFAULT_KEY_CACHE: KeyCacheBounds = { maxSubjects: 100_000, ttlMs: 300_000 };

const KEYS_PER_SUBJECT = 4;
const QUESTIONS_PER_SUBJECT = 2;

/**
 * A SubjectKeyProvider behind a cache bounded in number and time. Unknown subjects are never remembered, so a subject made elsewhere is
 * seen at once; an erased one is gone at the latest after `ttlMs`. Identifiers are held only as salted hashes of the whole list asked
 * about: one list may link its members, and a member alone may belong to someone else.
 */
export class CachedSubjectKeys implements SubjectKeyProvider {
  readonly #provider: SubjectKeyProvider;
  readonly #refs: BoundedCache<string>;
  readonly #keys: BoundedCache<DataKey>;
  readonly #salt = randomBytes(16).toString('hex');

  constructor(provider: SubjectKeyProvider, { maxSubjects, ttlMs, now }: KeyCacheBounds = DEFAULT_KEY_CACHE) {
    this.#provider = provider;
    this.#refs = new BoundedCache({ maxEntries: maxSubjects * QUESTIONS_PER_SUBJECT, ttlMs, now });
    this.#keys = new BoundedCache({ maxEntries: maxSubjects * KEYS_PER_SUBJECT, ttlMs, now });
  }

  /** Keys in memory. */
  get size(): number {
    return this.#keys.size;
  }

  async resolve(tenant: Tenant, questions: readonly SubjectQuestion[]): Promise<SubjectKeys[]> {
    return answerFrom(questions,
      ({ identifiers, purposes }) => this.#heldByName(tenant, identifiers, purposes),
      async (missing) => {
        const answers = await this.#provider.resolve(tenant, missing);
        for (const [index, answer] of answers.entries()) this.#keep(tenant, answer, missing[index]!.identifiers);
        return answers;
      });
  }

  async find(tenant: Tenant, identifiers: readonly (readonly IdentifierValue[])[], purposes: readonly string[]): Promise<(SubjectKeys | undefined)[]> {
    return answerFrom(identifiers,
      (list) => this.#heldByName(tenant, list, purposes),
      async (missing) => {
        const answers = await this.#provider.find(tenant, missing, purposes);
        for (const [index, answer] of answers.entries()) {
          // A found list of several was not linked: remembered, it would keep a later resolve from linking it.
          if (answer) this.#keep(tenant, answer, missing[index]!.length === 1 ? missing[index]! : []);
        }
        return answers;
      });
  }

  async keysOf(tenant: Tenant, refs: readonly string[], purposes: readonly string[]): Promise<(SubjectKeys | undefined)[]> {
    return answerFrom(refs,
      (ref) => (purposes.length === 0 ? undefined : this.#held(tenant, ref, purposes)),
      async (missing) => {
        const answers = await this.#provider.keysOf(tenant, missing, purposes);
        for (const answer of answers) if (answer) this.#keep(tenant, answer, []);
        return answers;
      });
  }

  /** Forgets everything, as at shutdown. */
  clear(): void {
    this.#refs.clear();
    this.#keys.clear();
  }

  #heldByName(tenant: Tenant, identifiers: readonly IdentifierValue[], purposes: readonly string[]): SubjectKeys | undefined {
    const ref = this.#refs.get(this.#nameOf(tenant, identifiers));
    return ref === undefined ? undefined : this.#held(tenant, ref, purposes);
  }

  #held(tenant: Tenant, ref: string, purposes: readonly string[]): SubjectKeys | undefined {
    const keys = new Map<string, DataKey>();
    for (const purpose of purposes) {
      const key = this.#keys.get(`${tenant}|${ref}|${purpose}`);
      if (!key) return undefined;
      keys.set(purpose, key);
    }
    return { ref, keys };
  }

  #keep(tenant: Tenant, { ref, keys }: SubjectKeys, identifiers: readonly IdentifierValue[]): void {
    for (const [purpose, key] of keys) this.#keys.set(`${tenant}|${ref}|${purpose}`, key);
    if (identifiers.length > 0) this.#refs.set(this.#nameOf(tenant, identifiers), ref);
  }

  #nameOf(tenant: Tenant, identifiers: readonly IdentifierValue[]): string {
    const texts = identifiers.map((identifier) => identifierText(normaliseIdentifier(identifier)));
    return hash('sha256', JSON.stringify([this.#salt, tenant, texts]), 'base64url');
  }
}

/** Answers from memory where it can and asks for the rest in one call; order of answers = order of questions. */
const answerFrom = async <Question, Answer>(questions: readonly Question[], held: (question: Question) => Answer | undefined, ask: (missing: readonly Question[]) => Promise<Answer[]>): Promise<Answer[]> => {
  const known = questions.map((question) => held(question));
  const missing = questions.filter((_, index) => known[index] === undefined);
  if (missing.length === 0) return known as Answer[];
  const asked = (await ask(missing)).values();
  return known.map((answer) => answer ?? asked.next().value!);
};
