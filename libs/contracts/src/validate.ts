import type { ErrorObject, ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import { escapePointer, INTAKE_KEYWORD, PRIVACY_KEYWORD, type SchemaNode } from './json-schema.ts';

const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * RFC 3339 with a capital T and Z and without leap seconds: exactly what `Date.parse` reads the same everywhere. The library's
 * own format also takes blanks and `:60`, which then become an invalid date further on.
 */
export const isDateTime = (value: string): boolean => {
  const match = DATE_TIME.exec(value);
  if (match === null) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const leap = month === 2 && (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)) ? 1 : 0;
  return month >= 1 && month <= 12 && day >= 1 && day <= (DAYS[month - 1] ?? 0) + leap;
};

const makeAjv = (): Ajv2020 => {
  // The first error is enough for an answer, and stopping there keeps a hostile event cheap.
  const ajv = new Ajv2020({ allErrors: false, strict: true, strictRequired: false, strictTypes: false, verbose: true, messages: false });
  for (const [name, format] of Object.entries(fullFormats)) ajv.addFormat(name, format);
  ajv.addFormat('date-time', { type: 'string', validate: isDateTime });
  return ajv.addKeyword(PRIVACY_KEYWORD).addKeyword(INTAKE_KEYWORD);
};

let ajv: Ajv2020 | undefined;

/** Compiles a schema with the process's one validator. Costs milliseconds: keep the result. */
export const compile = (schema: SchemaNode): ValidateFunction => (ajv ??= makeAjv()).compile(schema);

export interface Violation {
  readonly pointer: string;
  readonly reason: string;
}

/** The violation a failed validation reports: names what was expected and the kind of what came, never its value. */
export const violationOf = (errors: readonly ErrorObject[] | null | undefined): Violation => {
  // With anyOf, the branches' errors come first and the one that speaks of the field comes last.
  const error = errors?.at(-1);
  if (error === undefined) return { pointer: '', reason: 'expected data that fits the contract' };
  const missing: unknown = error.params.missingProperty;
  if (typeof missing === 'string') return { pointer: `${error.instancePath}/${escapePointer(missing)}`, reason: 'expected a value here: the field is required, and it is missing' };
  return { pointer: error.instancePath, reason: `expected ${expectedBy(error)}, got ${kindOf(error.data)}` };
};

const expectedBy = (error: ErrorObject): string => {
  const { params, parentSchema } = error;
  const description: unknown = parentSchema?.description;
  switch (error.keyword) {
    case 'enum': return `one of ${listed(params.allowedValues)}`;
    case 'const': return `"${String(params.allowedValue)}"`;
    case 'maxLength': return `at most ${String(params.limit)} characters`;
    case 'minLength': return `at least ${String(params.limit)} characters`;
    case 'maxItems': return `at most ${String(params.limit)} elements`;
    case 'minItems': return `at least ${String(params.limit)} elements`;
    default: return typeof description === 'string' ? description : expectedType(error);
  }
};

const expectedType = ({ keyword, params }: ErrorObject): string => {
  if (keyword === 'type') return listed([params.type].flat());
  if (keyword === 'minimum' || keyword === 'maximum') return `a number ${String(params.comparison)} ${String(params.limit)}`;
  return `a value that satisfies "${keyword}"`;
};

const listed = (values: unknown): string => (Array.isArray(values) ? values.map(String).join(', ') : String(values));

const kindOf = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'string') return `a text of ${value.length} characters`;
  if (typeof value === 'object') return 'an object';
  return typeof value === 'undefined' ? 'nothing' : `a ${typeof value}`;
};
