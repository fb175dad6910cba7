import type { Tenant } from '@millrace/kernel';
import { identifierText, normaliseIdentifier, type SubjectKeyProvider, type SubjectKeys } from '@millrace/privacy';
import type { Candidate } from './candidate.step.ts';
import type { PersonalData } from './personal-data.ts';

interface Question {
  readonly personal: PersonalData;
  readonly purposes: Set<string>;
  readonly askers: Candidate[];
}

/** One question per distinct list of identifiers, in order of first appearance: a batch of a visitor's clicks asks once. */
const distinct = (candidates: readonly Candidate[]): Map<string, Question> => {
  const questions = new Map<string, Question>();
  for (const candidate of candidates) {
    const { personal } = candidate;
    if (!personal) continue;
    const name = nameOf(personal);
    const question = questions.get(name);
    if (question === undefined) {
      questions.set(name, { personal, purposes: new Set(personal.purposes), askers: [candidate] });
      continue;
    }
    for (const purpose of personal.purposes) question.purposes.add(purpose);
    question.askers.push(candidate);
  }
  return questions;
};

const nameOf = (personal: PersonalData): string => personal.identifiers.map((identifier) => identifierText(normaliseIdentifier(identifier))).join('\0\0');

const purposesOfAll = (questions: Iterable<Question>): string[] => [...new Set([...questions].flatMap(({ purposes }) => [...purposes]))];

/** The subject of each candidate that has one; absent for a known event whose person was never seen or was erased. */
export type Identities = ReadonlyMap<Candidate, SubjectKeys>;

/**
 * Finds or makes the subject of every fresh candidate, and only finds that of known ones: a repeated delivery must not bring back a
 * person who was erased (ARCHITECTURE 1.5). At most one resolve and one find. DomainError `unavailable` when keys can't be had.
 */
export const identify = async (keys: SubjectKeyProvider, tenant: Tenant, fresh: readonly Candidate[], known: readonly Candidate[]): Promise<Identities> => {
  const toResolve = distinct(fresh);
  const toFind = distinct(known);
  const [resolved, found] = await Promise.all([
    toResolve.size === 0 ? [] : keys.resolve(tenant, [...toResolve.values()].map(({ personal, purposes }) => ({ identifiers: personal.identifiers, purposes: [...purposes] }))),
    toFind.size === 0 ? [] : keys.find(tenant, [...toFind.values()].map(({ personal }) => personal.identifiers), purposesOfAll(toFind.values())),
  ]);
  const identities = new Map<Candidate, SubjectKeys>();
  const spread = (questions: Map<string, Question>, answers: readonly (SubjectKeys | undefined)[]): void => {
    let at = 0;
    for (const { askers } of questions.values()) {
      const subject = answers[at];
      at += 1;
      if (subject) for (const candidate of askers) identities.set(candidate, subject);
    }
  };
  spread(toResolve, resolved);
  spread(toFind, found);
  return identities;
};
