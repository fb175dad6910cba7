import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { isDatabaseOutage, withSourceDatabase } from './database-outage.ts';
import { jsonBodyOf, parametersOf } from './request-input.ts';

const schema = z.strictObject({ tenant: z.string().max(5), limit: z.coerce.number().int().max(10).default(3) });
const thrown = (work: () => unknown): Record<string, unknown> => {
  try {
    return { value: work() };
  } catch (error) {
    const { code, message, kind } = error as { code: string; message: string; kind?: string };
    return { code, message, kind };
  }
};

describe('parameters', () => {
  it('are parsed, with defaults', () => {
    expect(parametersOf(schema, { tenant: 'shop' })).toEqual({ tenant: 'shop', limit: 3 });
    expect(parametersOf(schema, { tenant: 'shop', limit: '7' })).toEqual({ tenant: 'shop', limit: 7 });
  });

  it.each([{}, { tenant: 'too long' }, { tenant: 'shop', limit: '11' }, { tenant: 'shop', limit: 'x' }, { tenant: ['a', 'b'] }, undefined])('are refused with every fault at once: %j', (value) => {
    expect(thrown(() => parametersOf(schema, value))).toMatchObject({ kind: 'invalid', code: 'parameters-invalid' });
  });

  it('name what is wrong, and never what came', () => {
    const { message } = thrown(() => parametersOf(schema, { tenant: 'ann@shop.example', limit: 99 }));
    expect(message).toMatch(/tenant: .*; limit: /);
    expect(message).not.toContain('ann@');
  });
});

describe('a JSON body', () => {
  const body = (text: string): Buffer => Buffer.from(text);

  it.each(['application/json', 'Application/JSON; charset=utf-8', 'application/json ;charset=utf-8'])('is read as %s', (type) => {
    expect(jsonBodyOf(schema, type, body('{"tenant":"shop"}'))).toEqual({ tenant: 'shop', limit: 3 });
  });

  it.each([undefined, '', 'text/plain', 'application/jsonp', 'application/cloudevents+json'])('is refused as %j', (type) => {
    expect(thrown(() => jsonBodyOf(schema, type, body('{"tenant":"shop"}')))).toMatchObject({ code: 'content-type-unsupported' });
  });

  it.each([['{"tenant":', 'not-json'], ['', 'not-json'], ['[]', 'body-invalid'], ['{"tenant":"shop","extra":1}', 'body-invalid'], ['null', 'body-invalid']])('%j is %s', (text, code) => {
    expect(thrown(() => jsonBodyOf(schema, 'application/json', body(text)))).toMatchObject({ kind: 'invalid', code });
  });

  it('that never came is not JSON', () => {
    expect(thrown(() => jsonBodyOf(schema, 'application/json', undefined))).toMatchObject({ code: 'not-json' });
  });
});

describe('an outage of the database', () => {
  const coded = (code: string): Error => Object.assign(new Error('x'), { code });

  it.each(['08006', '53300', '57P01', '57P03', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'])('is seen by its code %s', (code) => {
    expect(isDatabaseOutage(coded(code))).toBe(true);
  });

  it.each(['Connection terminated unexpectedly', 'timeout exceeded when trying to connect', 'Connection terminated due to connection timeout'])('is seen by its words: %s', (message) => {
    expect(isDatabaseOutage(new Error(message))).toBe(true);
  });

  it.each([coded('23505'), coded('42P01'), coded('22021'), new TypeError('x is not a function'), 'ECONNREFUSED', null, undefined])('is not what %p says', (error) => {
    expect(isDatabaseOutage(error)).toBe(false);
  });

  it('becomes unavailable, and nothing else does', async () => {
    await expect(withSourceDatabase(() => Promise.reject(coded('57P01')))).rejects.toMatchObject({ kind: 'unavailable', code: 'sources-unavailable' });
    await expect(withSourceDatabase(() => Promise.reject(coded('23505')))).rejects.toMatchObject({ code: '23505' });
    expect(await withSourceDatabase(async () => 7)).toBe(7);
  });
});
