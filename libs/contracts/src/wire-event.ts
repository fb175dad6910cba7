import type { ValidateFunction } from 'ajv';
import { z } from 'zod';
import { toJsonSchema } from './json-schema.ts';
import { compile, violationOf, type Violation } from './validate.ts';

const printable = (max: number) => z.string().max(max).regex(/^\P{C}+$/u).meta({ description: `text of 1 to ${max} characters without control characters` });
const dateTime = () => z.string().max(35).meta({ format: 'date-time', description: 'a date and time with an offset, as in "2011-01-31T08:26:00Z"' });

/**
 * CloudEvents 1.0 attributes a producer may send, with our extensions `version` (of the type's contract, 1 when absent), `senttime`
 * (the producer's clock when it sent, for clock correction), `traceparent`, `causationid` and `correlationid`. Other extension
 * attributes are legal CloudEvents and are dropped. `data` is checked by the contract of the type.
 */
export const wireEventSchema = z.object({
  specversion: z.literal('1.0'),
  id: printable(200),
  source: printable(512),
  type: printable(200),
  subject: printable(512).optional(),
  time: dateTime().optional(),
  senttime: dateTime().optional(),
  datacontenttype: z.string().max(100).regex(/^application\/(?:[\w.+-]+\+)?json(?:\s*;.*)?$/i).meta({ description: 'a JSON media type, as in "application/json"' }).optional(),
  version: z.int().min(1).max(1000).meta({ description: 'a whole number from 1 to 1000' }).optional(),
  traceparent: z.string().max(55).regex(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/).meta({ description: 'a W3C traceparent' }).optional(),
  causationid: printable(200).optional(),
  correlationid: printable(200).optional(),
  data: z.looseObject({}).meta({ description: 'a JSON object' }),
});

export type WireEvent = z.infer<typeof wireEventSchema>;

/** JSON Schema 2020-12 of `wireEventSchema`, for OpenAPI. */
export const wireEventJsonSchema = toJsonSchema(wireEventSchema);

let validate: ValidateFunction<WireEvent> | undefined;

/** Checks the attributes of one event (not its data's fields), by the compiled form of `wireEventSchema`; the value itself is returned. */
export const checkWireEvent = (value: unknown): { readonly ok: true; readonly event: WireEvent } | ({ readonly ok: false } & Violation) => {
  validate ??= compile(wireEventJsonSchema) as ValidateFunction<WireEvent>;
  return validate(value) ? { ok: true, event: value } : { ok: false, ...violationOf(validate.errors) };
};
