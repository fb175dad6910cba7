import type { PrivacyAnnotation } from '../contract.ts';
import { escapePointer, PRIVACY_KEYWORD, type SchemaNode } from '../json-schema.ts';
import type { BreakRule } from './finding.ts';

/** A change of one released schema that stored events or their readers would not survive. */
export interface SchemaBreak {
  readonly rule: BreakRule;
  readonly pointer: string;
  readonly says: string;
}

type Report = (rule: BreakRule, pointer: string, says: string) => void;

const INSTEAD = 'Leave the version as released and add the next one with an upcaster.';
const LOWER = ['minimum', 'minLength', 'minItems', 'minProperties', 'exclusiveMinimum'] as const;
const UPPER = ['maximum', 'maxLength', 'maxItems', 'maxProperties', 'exclusiveMaximum'] as const;
/** Keywords that tie fields to each other; whether the new text lets in all that the old one did can't be told by looking. */
const CONDITIONS = ['anyOf', 'oneOf', 'allOf', 'not', 'dependentRequired', 'if', 'then', 'else', 'const'] as const;

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const namesIn = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);
const branchesOf = (node: SchemaNode): readonly SchemaNode[] => (Array.isArray(node['anyOf']) ? node['anyOf'] as SchemaNode[] : [node]);
const typesOf = (node: SchemaNode): readonly string[] => branchesOf(node).flatMap((branch) => [branch['type']].flat().map(String)).toSorted();

const compareBounds = (released: SchemaNode, current: SchemaNode, pointer: string, report: Report): void => {
  for (const name of [...LOWER, ...UPPER]) {
    const [before, now] = [released[name], current[name]];
    if (typeof now !== 'number' || before === now) continue;
    const tighter = typeof before !== 'number' || ((LOWER as readonly string[]).includes(name) ? now > before : now < before);
    if (tighter) report('range-narrowed', pointer, `${name} is ${now}, was ${typeof before === 'number' ? before : 'unbounded'}: old events may hold values outside. ${INSTEAD}`);
  }
};

const compareWords = (released: SchemaNode, current: SchemaNode, pointer: string, report: Report): void => {
  const missing = namesIn(released['enum']).filter((word) => !namesIn(current['enum']).includes(word));
  if (current['enum'] !== undefined && released['enum'] === undefined) report('enum-narrowed', pointer, `only ${namesIn(current['enum']).join(', ')} are let in now: old events may hold other values. ${INSTEAD}`);
  else if (current['enum'] !== undefined && missing.length > 0) report('enum-narrowed', pointer, `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} no longer let in: old events hold such values. ${INSTEAD}`);
  if (current['pattern'] !== undefined && current['pattern'] !== released['pattern']) report('pattern-changed', pointer, `the pattern changed: old values were never checked against the new one. ${INSTEAD}`);
  if (current['format'] !== undefined && current['format'] !== released['format']) report('format-changed', pointer, `the format is ${JSON.stringify(current['format'])}, was ${JSON.stringify(released['format'] ?? 'free')}: old values were never checked against it. ${INSTEAD}`);
};

const comparePrivacy = (before: PrivacyAnnotation, now: PrivacyAnnotation, pointer: string, report: Report): void => {
  if (before.kind === 'identifier' && now.kind === 'identifier' && before.identifier !== now.identifier) {
    report('identifier-changed', pointer, `it identifies a person as ${now.identifier}, was ${before.identifier}: references made from old values would not be found again, and one person would become two. Add a field, or a new type.`);
    return;
  }
  const meaning = (annotation: PrivacyAnnotation) => (annotation.kind === 'none' ? ['none'] : [annotation.kind, annotation.category, annotation.purpose, 'kept' in annotation ? annotation.kept : '']);
  if (!same(meaning(before), meaning(now))) report('privacy-changed', pointer, `its protection is ${meaning(now).filter(Boolean).join(', ')}, was ${meaning(before).filter(Boolean).join(', ')}: values already stored are protected as before, and stay so. ${INSTEAD}`);
};

const compareLeaf = (released: SchemaNode, current: SchemaNode, pointer: string, report: Report): void => {
  const [before, now] = [released[PRIVACY_KEYWORD], current[PRIVACY_KEYWORD]];
  if (before !== undefined && now !== undefined) comparePrivacy(before, now, pointer, report);
  if (!same(typesOf(released), typesOf(current))) {
    report('type-changed', pointer, `it is ${typesOf(current).join(' or ')}, was ${typesOf(released).join(' or ')}: old values are of the other kind, and readers expect that one. ${INSTEAD}`);
    return;
  }
  for (const branch of branchesOf(released)) {
    const other = branchesOf(current).find((candidate) => same(candidate['type'], branch['type'])) ?? current;
    compareBounds(branch, other, pointer, report);
    compareWords(branch, other, pointer, report);
  }
};

const compareObject = (released: SchemaNode, current: SchemaNode, pointer: string, report: Report): void => {
  const [before, now] = [namesIn(released['required']), namesIn(current['required'])];
  for (const name of now.filter((each) => !before.includes(each))) {
    const known = released.properties?.[name] !== undefined;
    report('field-required', `${pointer}/${escapePointer(name)}`, `it is required${known ? ' now' : ' and new'}: old events ${known ? 'may lack' : 'lack'} this field. Make it optional, or add the next version with an upcaster that gives it an honest value.`);
  }
  for (const name of before.filter((each) => !now.includes(each) && current.properties?.[each] !== undefined)) {
    report('field-optional', `${pointer}/${escapePointer(name)}`, `it may be absent now and never was: readers count on it. ${INSTEAD}`);
  }
  for (const keyword of CONDITIONS) if (current[keyword] !== undefined && !same(released[keyword], current[keyword])) report('condition-changed', pointer, `the condition "${keyword}" changed: old events were never checked against it. ${INSTEAD}`);
  compareBounds(released, current, pointer, report);
  for (const [name, child] of Object.entries(released.properties ?? {})) {
    const at = `${pointer}/${escapePointer(name)}`;
    const other = current.properties?.[name];
    if (other === undefined) report('field-removed', at, `it is gone: old events hold it, and what is sent would be dropped unseen. ${INSTEAD}`);
    else compareNode(child, other, at, report);
  }
};

const kindOf = (node: SchemaNode): 'leaf' | 'object' | 'list' => {
  if (node[PRIVACY_KEYWORD] !== undefined) return 'leaf';
  return node.properties === undefined ? node.items === undefined ? 'leaf' : 'list' : 'object';
};

const compareNode = (released: SchemaNode, current: SchemaNode, pointer: string, report: Report): void => {
  const kind = kindOf(released);
  if (kind !== kindOf(current)) return report('type-changed', pointer, `it is a ${kindOf(current)}, was a ${kind}: readers look for what is below it elsewhere. ${INSTEAD}`);
  if (kind === 'leaf') return compareLeaf(released, current, pointer, report);
  if (kind === 'object') return compareObject(released, current, pointer, report);
  compareBounds(released, current, pointer, report);
  return compareNode(released.items ?? {}, current.items ?? {}, `${pointer}/*`, report);
};

/**
 * What keeps `current` from standing in for the `released` schema of the same version. A version may gain optional fields and let in more
 * values of a known kind; everything else stored events or readers would not survive. Texts for humans may change. Pure.
 */
export const schemaBreaks = (released: SchemaNode, current: SchemaNode): readonly SchemaBreak[] => {
  const found: SchemaBreak[] = [];
  compareNode(released, current, '', (rule, pointer, says) => found.push({ rule, pointer, says }));
  return found;
};
