import { describe, expect, it } from '@jest/globals';
import { CONTRACTS } from '@millrace/contracts';
import { BUSINESS_CONTEXTS } from '@millrace/kernel';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import { openApi } from './openapi.ts';

interface Operation { readonly operationId: string; readonly responses: Record<string, { content?: Record<string, object>; headers?: object }>; readonly security?: object[]; readonly requestBody?: { content: Record<string, object> } }
const description = openApi() as { paths: Record<string, Record<string, Operation>>; components: { schemas: Record<string, object> } };
const operations = Object.values(description.paths).flatMap((path) => Object.values(path));

const ajv = new Ajv2020({ strict: false, allErrors: true });
for (const [name, format] of Object.entries(fullFormats)) ajv.addFormat(name, format);
ajv.addSchema({ ...description, $id: 'https://openapi.example/' });
const fits = (name: string, value: unknown): boolean => ajv.validate({ $ref: `https://openapi.example/#/components/schemas/${name}` }, value) === true;

const event = { specversion: '1.0', id: 'e-1', source: '/web', type: 'clickstream.page.viewed', time: '2026-11-23T12:00:00Z', data: { sessionId: 's', path: '/' } };

describe('the description', () => {
  it('names every operation once and answers each error as a problem', () => {
    expect(operations.map(({ operationId }) => operationId)).toEqual(['takeEvents', 'addSource', 'listSources', 'revokeSource', 'listRejects', 'accounting', 'description']);
    for (const { responses } of operations) {
      for (const [status, { content }] of Object.entries(responses)) expect(Number(status) < 400 || Object.keys(content!).join() === 'application/problem+json').toBe(true);
    }
  });

  it('tells when to come back wherever it says to', () => {
    for (const { responses } of operations) for (const status of ['429', '503']) expect(responses[status] === undefined || 'Retry-After' in responses[status].headers!).toBe(true);
  });

  it('wants a source key for events, a token for the rest, nothing for itself', () => {
    expect(operations.map(({ security }) => security)).toEqual([[{ sourceKey: [] }], undefined, undefined, undefined, undefined, undefined, []]);
  });

  it('has the data of every type that may come from outside, and of no other', () => {
    const described = Object.keys(description.components.schemas).filter((name) => /\.v\d+$/.test(name));
    expect(described.toSorted()).toEqual(CONTRACTS.filter(({ context }) => BUSINESS_CONTEXTS.includes(context)).map(({ type, version }) => `${type}.v${version}`).toSorted());
  });
});

describe('its schemas', () => {
  it('take an event of a known type, with its version or without', () => {
    expect(fits('Event', event)).toBe(true);
    expect(fits('Event', { ...event, version: 1 })).toBe(true);
  });

  it.each([{ ...event, type: 'clickstream.page.sniffed' }, { ...event, version: 2 }, { ...event, data: { path: '/' } }, { ...event, specversion: '0.3' }, { ...event, id: undefined }])('take no %j', (value) => {
    expect(fits('Event', JSON.parse(JSON.stringify(value)))).toBe(false);
  });

  it('take the answers the intake gives', () => {
    const outcomes = [{ index: 0, id: 'e-1', outcome: 'accepted', log: 'clickstream/0', position: 1 }, { index: 1, outcome: 'rejected', pointer: '/type', code: 'type-unknown', reason: 'No.' }];
    expect(fits('IntakeReport', { outcomes, dropped: 0 })).toBe(true);
    expect(fits('IntakeReport', { outcomes: [{ ...outcomes[0], position: 0 }], dropped: 0 })).toBe(false);
    const problem = { type: 'urn:x', title: 'x', status: 422, code: 'x', traceId: 'x' };
    expect([fits('Problem', problem), fits('RejectedReport', { ...problem, outcomes, dropped: 0 }), fits('Problem', { ...problem, status: 'x' })]).toEqual([true, true, false]);
  });

  it('take a source as an operator wishes it', () => {
    expect(fits('SourceWish', { tenant: 'shop', name: 'web', types: ['clickstream.*'], recordOf: ['sales'], earliest: '1990-01-01T00:00:00Z', latestAheadMs: 0 })).toBe(true);
    expect(fits('SourceWish', { tenant: 'shop', name: 'web', recordOf: ['security'] })).toBe(false);
  });
});
