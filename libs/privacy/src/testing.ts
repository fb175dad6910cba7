import { randomBytes } from 'node:crypto';
import type { Tenant } from '@millrace/kernel';
import { identifierText, normaliseIdentifier } from './identifier.ts';
import type { DataKey, IdentifierValue, SubjectKeyProvider, SubjectKeys, SubjectQuestion } from './subject-keys.ts';

/**
 * A SubjectKeyProvider for specs: real references and keys, in memory only. Keeps the port's promises (first match wins, the other
 * identifiers are linked, one subject per identifier and tenant), so that what is sealed with it opens with it.
 */
export class InMemorySubjectKeys implements SubjectKeyProvider {
  readonly #refs = new Map<string, string>();
  readonly #keys = new Map<string, Map<string, DataKey>>();
  /** Subjects made so far, in order. */
  readonly made: string[] = [];

  async resolve(tenant: Tenant, questions: readonly SubjectQuestion[]): Promise<SubjectKeys[]> {
    return questions.map(({ identifiers, purposes }) => {
      const names = this.#names(tenant, identifiers);
      const ref = this.#refOf(names) ?? this.#make(tenant);
      for (const name of names) if (!this.#refs.has(name)) this.#refs.set(name, ref);
      return this.#subject(tenant, ref, purposes)!;
    });
  }

  async find(tenant: Tenant, identifiers: readonly (readonly IdentifierValue[])[], purposes: readonly string[]): Promise<(SubjectKeys | undefined)[]> {
    return identifiers.map((list) => {
      const ref = this.#refOf(this.#names(tenant, list));
      return ref === undefined ? undefined : this.#subject(tenant, ref, purposes);
    });
  }

  async keysOf(tenant: Tenant, refs: readonly string[], purposes: readonly string[]): Promise<(SubjectKeys | undefined)[]> {
    return refs.map((ref) => this.#subject(tenant, ref, purposes));
  }

  /** Destroys a subject's keys and look-ups, as erasure will. */
  erase(tenant: Tenant, ref: string): void {
    this.#keys.delete(`${tenant}|${ref}`);
    for (const [name, found] of this.#refs) if (found === ref) this.#refs.delete(name);
  }

  #names(tenant: Tenant, identifiers: readonly IdentifierValue[]): string[] {
    return identifiers.map((identifier) => `${tenant}|${identifierText(normaliseIdentifier(identifier))}`);
  }

  #refOf(names: readonly string[]): string | undefined {
    return names.map((name) => this.#refs.get(name)).find((ref) => ref !== undefined);
  }

  #make(tenant: Tenant): string {
    const ref = `sub_${randomBytes(16).toString('hex')}`;
    this.#keys.set(`${tenant}|${ref}`, new Map());
    this.made.push(ref);
    return ref;
  }

  #subject(tenant: Tenant, ref: string, purposes: readonly string[]): SubjectKeys | undefined {
    const keys = this.#keys.get(`${tenant}|${ref}`);
    if (!keys) return undefined;
    for (const purpose of purposes) if (!keys.has(purpose)) keys.set(purpose, { purpose, epoch: 1, key: randomBytes(32) });
    return { ref, keys: new Map(purposes.map((purpose) => [purpose, keys.get(purpose)!])) };
  }
}
