import { DomainError, isContext, parseEventType } from '@millrace/kernel';
import type { ZodObject } from 'zod';
import type { EventContract, EventData, Upcaster } from './contract.ts';
import { protectedFieldsOf, toJsonSchema } from './json-schema.ts';

interface Definition {
  readonly type: string;
  readonly version: number;
  readonly summary: string;
  readonly schema: ZodObject;
  /** Name of the top-level field that holds the person. */
  readonly subject?: string;
  readonly stream: { readonly aggregate: string; readonly id: (stored: EventData) => string };
  /** How stored data of the version before becomes this one's; a version's stream must come out the same. */
  readonly upcast?: Upcaster;
}

/** Builds a contract; throws DomainError `invalid` when the type is malformed or a field has no privacy annotation. */
export const defineContract = ({ type, version, summary, schema, subject, stream, upcast }: Definition): EventContract => {
  const context = parseEventType(type)?.context ?? '';
  if (!isContext(context)) throw new DomainError('invalid', 'event-type-malformed', { type }, `An event type is <context>.<aggregate>.<past-fact>; got "${type}".`);
  const jsonSchema = toJsonSchema(schema);
  return {
    type, version, context, summary, schema, jsonSchema,
    subjectAt: subject === undefined ? undefined : `/${subject}`,
    protectedFields: protectedFieldsOf(type, jsonSchema),
    streamAggregate: stream.aggregate,
    streamId: stream.id,
    ...(upcast === undefined ? {} : { upcast }),
  };
};

/** The stream is named by a field of the data. */
export const byField = (aggregate: string, field: string): Definition['stream'] => ({
  aggregate,
  id: (stored) => textOf(stored[field], `/${field}`),
});

/** The stream is named by several fields of the data, texts or whole numbers, joined with `/`. */
export const byFields = (aggregate: string, ...fields: readonly string[]): Definition['stream'] => ({
  aggregate,
  id: (stored) => fields.map((field) => { const value = stored[field]; return textOf(typeof value === 'number' ? String(value) : value, `/${field}`); }).join('/'),
});

/** The stream is named by the subject reference in the object `field`. */
export const bySubject = (aggregate: string, field: string): Definition['stream'] => ({
  aggregate,
  id: (stored) => {
    const subject = stored[field];
    const ref = typeof subject === 'object' && subject !== null && 'ref' in subject ? subject.ref : undefined;
    return textOf(ref, `/${field}/ref`);
  },
});

const textOf = (value: unknown, pointer: string): string => {
  if (typeof value === 'string' && value !== '') return value;
  throw new DomainError('invalid', 'stream-id-missing', { pointer }, `The stream's name is taken from ${pointer} of the stored data; nothing stands there.`);
};

/** `<context>.<aggregate>/<id>` of an event with this stored data. */
export const streamOf = (contract: EventContract, stored: EventData): string => `${contract.context}.${contract.streamAggregate}/${contract.streamId(stored)}`;
