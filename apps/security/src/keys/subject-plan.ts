/** An identifier as it is looked up: never in clear. */
export interface NamedMac {
  readonly kind: string;
  readonly mac: Buffer;
}
export interface Lookup extends NamedMac {
  readonly ref: string;
}

/** Whose subject each question is about, and what has to be stored so that it stays so. */
export interface SubjectPlan {
  readonly refs: readonly string[];
  readonly newRefs: readonly string[];
  readonly newLookups: readonly Lookup[];
}

const nameOf = ({ kind, mac }: NamedMac): string => `${kind}|${mac.toString('base64')}`;
const byName = (a: Lookup, b: Lookup): number => (a.kind === b.kind ? Buffer.compare(a.mac, b.mac) : a.kind < b.kind ? -1 : 1);

/**
 * First match wins: a question's subject is that of its first identifier known, in the look-ups or from an earlier question; else a new
 * one. Its unknown identifiers are linked to it; one that is known as another's stays there. New look-ups come sorted, so that two
 * transactions storing the same ones wait for each other instead of deadlocking. Pure but for `newReference`.
 */
export const planSubjects = (questions: readonly (readonly NamedMac[])[], known: readonly Lookup[], newReference: () => string): SubjectPlan => {
  const refOf = new Map(known.map((lookup) => [nameOf(lookup), lookup.ref]));
  const newRefs: string[] = [];
  const newLookups: Lookup[] = [];
  const refs = questions.map((identifiers) => {
    let ref = firstKnown(identifiers, refOf);
    if (ref === undefined) {
      ref = newReference();
      newRefs.push(ref);
    }
    for (const identifier of identifiers) {
      if (refOf.has(nameOf(identifier))) continue;
      refOf.set(nameOf(identifier), ref);
      newLookups.push({ ...identifier, ref });
    }
    return ref;
  });
  return { refs, newRefs, newLookups: newLookups.toSorted(byName) };
};

const firstKnown = (identifiers: readonly NamedMac[], refOf: ReadonlyMap<string, string>): string | undefined => {
  for (const identifier of identifiers) {
    const ref = refOf.get(nameOf(identifier));
    if (ref !== undefined) return ref;
  }
  return undefined;
};

/** Subject of each question by its first identifier known; undefined where none is. */
export const findSubjects = (questions: readonly (readonly NamedMac[])[], known: readonly Lookup[]): (string | undefined)[] => {
  const refOf = new Map(known.map((lookup) => [nameOf(lookup), lookup.ref]));
  return questions.map((identifiers) => firstKnown(identifiers, refOf));
};
