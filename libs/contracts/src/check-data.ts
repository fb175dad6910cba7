import type { ValidateFunction } from 'ajv';
import type { ContractCheck, EventContract, EventData } from './contract.ts';
import { intakeSchemaOf } from './json-schema.ts';
import { minimise, shapeOf, type Shape } from './minimise.ts';
import { compile, violationOf } from './validate.ts';

interface Compiled {
  readonly shape: Shape;
  readonly validate: ValidateFunction;
}

const compiled = new WeakMap<EventContract, Compiled>();

const compiledOf = (contract: EventContract): Compiled => {
  const known = compiled.get(contract);
  if (known !== undefined) return known;
  const made = { shape: shapeOf(contract.jsonSchema), validate: compile(intakeSchemaOf(contract.jsonSchema)) };
  compiled.set(contract, made);
  return made;
};

const isEventData = (value: unknown): value is EventData => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Minimises `data` to what the contract names, then validates it as something that comes in: stored events, which may be older than a bound on
 * what does, are for `checkStored`. Pure: `data` is not changed, and the answer shares what needed no
 * change. The first violation is told as JSON pointer and reason, which never repeat a value. Compiles a contract at its first use.
 */
export const checkData = (contract: EventContract, data: unknown): ContractCheck => {
  const { shape, validate } = compiledOf(contract);
  const dropped: string[] = [];
  const kept = minimise(shape, data, dropped);
  if (validate(kept) && isEventData(kept)) return { ok: true, data: kept, dropped };
  return { ok: false, ...violationOf(validate.errors) };
};
