import { describe, expect, it } from '@jest/globals';
import { DomainError } from '@millrace/kernel';
import { NatsSubjectKeyProvider, type SubjectKeyProvider } from '@millrace/privacy';
import { InMemorySubjectKeys } from '@millrace/privacy/testing';
import { makeLogger } from '@millrace/service-kit';
import { createCurve } from '@nats-io/nkeys';
import { KeyAnswers } from './key-answers.ts';

const [own, ingestion] = [createCurve(), createCurve()];
const number = (value: string) => ({ kind: 'customer-number', value });

/** A provider that speaks with the answers directly, the way bytes go over NATS, and what the answers log. */
const setUp = (keys: SubjectKeyProvider = new InMemorySubjectKeys()) => {
  const lines: string[] = [];
  const answers = new KeyAnswers(keys, { own, callers: new Map([[ingestion.getPublicKey(), 'ingestion']]) }, makeLogger('security', 'trace', { write: (line) => { lines.push(line); } }));
  const operation = { 'query.security.keys.resolve': 'resolve', 'query.security.keys.find': 'find', 'query.security.keys.keys-of': 'keys-of' } as const;
  const port = { ask: (subject: string, bytes: Uint8Array) => answers.answer(operation[subject as keyof typeof operation], bytes) };
  return { keys, answers, lines, provider: new NatsSubjectKeyProvider(port, { seed: Buffer.from(ingestion.getSeed()).toString(), securityXkey: own.getPublicKey() }) };
};
/** Keys that fail as the database might. */
const failing = (error: unknown): SubjectKeyProvider => {
  const fail = () => Promise.reject(error as Error);
  return { resolve: fail, find: fail, keysOf: fail };
};

describe('answers to questions for keys', () => {
  it('give each of the callers coalesced into a request what it asked for, with its own purposes', async () => {
    const { keys, provider } = setUp();
    const [[one], [two]] = await Promise.all([
      provider.resolve('shop', [{ identifiers: [number('1')], purposes: ['contact'] }]),
      provider.resolve('shop', [{ identifiers: [number('2')], purposes: ['identity', 'contact'] }]),
    ]);
    const found = await Promise.all([
      provider.find('shop', [[number('2')], [number('3')]], ['identity']),
      provider.find('shop', [[number('1')]], []),
      provider.find('shop', [[number('1')]], ['contact', 'identity']),
    ]);
    expect(found).toEqual(await Promise.all([keys.find('shop', [[number('2')], [number('3')]], ['identity']), keys.find('shop', [[number('1')]], []), keys.find('shop', [[number('1')]], ['contact', 'identity'])]));
    const held = await Promise.all([provider.keysOf('shop', [two!.ref, one!.ref], ['contact']), provider.keysOf('shop', [one!.ref], ['identity'])]);
    expect(held.map((list) => list.map((each) => [each!.ref, [...each!.keys.keys()]]))).toEqual([[[two!.ref, ['contact']], [one!.ref, ['contact']]], [[one!.ref, ['identity']]]]);
  });

  it('keep tenants apart', async () => {
    const { provider } = setUp();
    const [a, b] = (await Promise.all(['shop', 'other'].map((tenant) => provider.resolve(tenant, [{ identifiers: [number('1')], purposes: ['contact'] }])))).flat();
    expect(a!.ref).not.toBe(b!.ref);
    expect(await provider.keysOf('other', [a!.ref], ['contact'])).toEqual([undefined]);
  });

  it.each([
    [new DomainError('unavailable', 'key-database-unavailable', {}, 'away'), 'key-database-unavailable'],
    [new Error('duplicate key value (customer-number)=(C-4711-canary) violates'), 'internal-error'],
    ['not even an error', 'internal-error'],
  ])('say why not, sealed, and log no more than the kind of %s', async (error, reason) => {
    const { provider, lines } = setUp(failing(error));
    await expect(provider.find('shop', [[number('C-4711-canary')]], ['contact'])).rejects.toMatchObject({ kind: 'unavailable', code: 'keys-unavailable', details: { reason } });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({ level: 'warn', msg: 'key request failed', operation: 'find', caller: 'ingestion', items: 1 });
    expect(lines[0]).not.toContain('C-4711-canary');
  });

  it('are a bare code to who is not known, logged without what came', async () => {
    const { answers, lines } = setUp();
    const bytes = Buffer.concat([Buffer.from(createCurve().getPublicKey()), Buffer.from('C-4711-canary')]);
    expect(Buffer.from(await answers.answer('find', bytes)).toString()).toBe('\0xkey-unknown');
    expect(Buffer.from(await answers.answer('find', Buffer.from('C-4711-canary'))).toString()).toBe('\0key-request-malformed');
    expect(lines.map((line) => JSON.parse(line).code)).toEqual(['xkey-unknown', 'key-request-malformed']);
    expect(lines.join('')).not.toContain('canary');
  });
});
