import { CONTRACTS, intakeSchemaOf, wireEventJsonSchema, type EventContract } from '@millrace/contracts';
import { INTAKE_LIMITS } from '@millrace/intake';
import { BUSINESS_CONTEXTS } from '@millrace/kernel';
import { z } from 'zod';
import { accounting, accountingQuery } from '../rejects/accounting.controller.ts';
import { rejectList, rejectsQuery } from '../rejects/rejects.controller.ts';
import { issuedSource, sourceList, sourceName, sourceWish, tenantText } from '../sources/source.model.ts';
import { intakeReport, problem, rejectedReport } from './schemas.ts';

type Node = Readonly<Record<string, unknown>>;

/** A component inherits OpenAPI 3.1's dialect, which is JSON Schema 2020-12. */
const withoutDialect = (schema: object): Node => Object.fromEntries(Object.entries(schema).filter(([name]) => name !== '$schema'));

const jsonSchema = (schema: z.ZodType, io: 'input' | 'output' = 'output'): Node => withoutDialect(z.toJSONSchema(schema, { target: 'draft-2020-12', io }));

const ref = (name: string): Node => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: Node, mediaType = 'application/json'): Node => ({ content: { [mediaType]: { schema } } });

const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'The request could not be read', 401: 'No valid key or token', 403: 'The request may not be made with this key or token', 404: 'Not found',
  409: 'In conflict with what exists', 413: 'Larger than the limits', 415: 'Unsupported content type or encoding', 429: 'Too much at once', 503: 'A store is away just now',
};
const RETRIED = new Set([429, 503]);
const retryAfter = { 'Retry-After': { description: 'Seconds to wait', schema: { type: 'integer', minimum: 1 } } };

const problems = (...statuses: number[]): Node => Object.fromEntries(statuses.map((status) => [status, {
  description: PROBLEMS[status], ...json(ref('Problem'), 'application/problem+json'), ...(RETRIED.has(status) ? { headers: retryAfter } : {}),
}]));

const parameters = (place: 'query' | 'path', shape: Readonly<Record<string, z.ZodType>>): Node[] => Object.entries(shape).map(([name, schema]) => ({
  name, in: place, required: place === 'path' || !schema.safeParse(undefined).success, schema: jsonSchema(schema, 'input'),
}));

const eventHeaders: Node[] = ['id', 'source', 'type', 'specversion', 'time', 'subject', 'version'].map((name) => ({
  name: `ce-${name}`, in: 'header', required: false, description: 'Binary mode only: the CloudEvents attribute, percent-encoded', schema: { type: 'string' },
}));

const takeEvents = (): Node => ({
  operationId: 'takeEvents', summary: 'Take in events', tags: ['events'], security: [{ sourceKey: [] }],
  description: `CloudEvents 1.0, plain or gzip: at most ${INTAKE_LIMITS.maxBytes} bytes (decompressed) and ${INTAKE_LIMITS.maxEvents} events. Sending a request again is safe: known ids answer with their first position.`,
  parameters: [...eventHeaders, { name: 'millrace-tenant', in: 'header', required: false, description: "Checked against the key's tenant", schema: jsonSchema(tenantText) }],
  requestBody: {
    required: true,
    content: {
      'application/cloudevents+json': { schema: ref('Event') },
      'application/cloudevents-batch+json': { schema: { type: 'array', maxItems: INTAKE_LIMITS.maxEvents, items: ref('Event') } },
      'application/json': { schema: { type: 'object', description: 'Binary mode: the event\'s data, its attributes in ce- headers' } },
    },
  },
  responses: {
    202: { description: 'At least one event is stored, now or by an earlier request', ...json(ref('IntakeReport')) },
    422: { description: 'No event was stored; each is named with its reason', ...json({ anyOf: [ref('RejectedReport'), ref('Problem')] }, 'application/problem+json') },
    ...problems(400, 401, 403, 413, 415, 429, 503),
  },
});

const sources = (): Node => ({
  post: {
    operationId: 'addSource', summary: 'Make a source and show its key, once', tags: ['sources'], requestBody: { required: true, ...json(ref('SourceWish')) },
    responses: { 201: { description: 'The source; its key is never shown again', ...json(ref('IssuedSource')) }, ...problems(400, 401, 403, 409, 413, 415, 503) },
  },
  get: {
    operationId: 'listSources', summary: 'The sources of a tenant', tags: ['sources'], parameters: parameters('query', { tenant: tenantText }),
    responses: { 200: { description: 'Sources, revoked ones too', ...json(ref('SourceList')) }, ...problems(400, 401, 503) },
  },
});

const revokeSource = (): Node => ({
  operationId: 'revokeSource', summary: 'Refuse a source\'s key from now on', tags: ['sources'],
  parameters: [...parameters('path', { name: sourceName }), ...parameters('query', { tenant: tenantText })],
  responses: { 204: { description: 'Revoked' }, ...problems(400, 401, 403, 404, 503) },
});

const listing = (operationId: string, summary: string, query: z.ZodObject, answer: string): Node => ({
  operationId, summary, tags: ['accounting'], parameters: parameters('query', query.shape),
  responses: { 200: { description: summary, ...json(ref(answer)) }, ...problems(400, 401, 503) },
});

/** What may come from outside: the contracts of the business contexts. */
const wireContracts = (): readonly EventContract[] => CONTRACTS.filter(({ context }) => BUSINESS_CONTEXTS.includes(context));

const dataName = ({ type, version }: EventContract): string => `${type}.v${version}`;

/** One schema per contract's data, by `<type>.v<version>`. */
const dataSchemas = (): Node => Object.fromEntries(wireContracts().map((contract) => [dataName(contract), { description: contract.summary, ...withoutDialect(intakeSchemaOf(contract.jsonSchema)) }]));

/** An event is its attributes, and data as the contract of its type and version has it; version 1 may be left out. */
const eventSchema = (): Node => ({
  description: 'A CloudEvents 1.0 event. Unnamed attributes and data fields are dropped and counted.',
  allOf: [withoutDialect(wireEventJsonSchema)],
  oneOf: wireContracts().map((contract) => ({
    properties: { type: { const: contract.type }, version: { const: contract.version }, data: ref(dataName(contract)) },
    required: contract.version === 1 ? ['type', 'data'] : ['type', 'version', 'data'],
  })),
});

/** The OpenAPI 3.1 description of ingestion's HTTP interface, made from the schemas the routes parse with. */
export const openApi = (): Node => ({
  openapi: '3.1.0',
  info: { title: 'Millrace ingestion', version: '1.0.0', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' }, description: 'Where a shop\'s events come in. Every error is an RFC 9457 problem with a stable code.' },
  security: [{ operatorToken: [] }],
  paths: {
    '/v1/events': { post: takeEvents() },
    '/v1/sources': sources(),
    '/v1/sources/{name}': { delete: revokeSource() },
    '/v1/rejects': { get: listing('listRejects', 'Rejected events, newest first; their bodies stay sealed', rejectsQuery, 'RejectList') },
    '/v1/accounting': { get: listing('accounting', 'Sums per source: received = accepted + duplicate + rejected + unanswered', accountingQuery, 'Accounting') },
    '/openapi.json': { get: { operationId: 'description', summary: 'This description', tags: ['description'], security: [], responses: { 200: { description: 'OpenAPI 3.1', ...json({ type: 'object' }) } } } },
  },
  components: {
    securitySchemes: {
      sourceKey: { type: 'http', scheme: 'bearer', description: 'A source key, msk_…' },
      operatorToken: { type: 'http', scheme: 'bearer', description: 'An operator\'s or the console\'s token' },
    },
    schemas: {
      ...dataSchemas(), Event: eventSchema(), IntakeReport: jsonSchema(intakeReport), RejectedReport: jsonSchema(rejectedReport), Problem: jsonSchema(problem),
      SourceWish: jsonSchema(sourceWish, 'input'), IssuedSource: jsonSchema(issuedSource), SourceList: jsonSchema(sourceList), RejectList: jsonSchema(rejectList), Accounting: jsonSchema(accounting),
    },
  },
});
