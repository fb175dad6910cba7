import { describe, expect, it } from '@jest/globals';
import { createCurve, type KeyPair } from '@nats-io/nkeys';
import { KEY_SUBJECTS, openKeyRequest, refuseKeyRequest, sealKeyAnswer, type KeyAnswer, type KeyRequest } from './key-exchange.ts';
import { NatsSubjectKeyProvider } from './nats-subject-keys.ts';
import type { SubjectKeyProvider } from './subject-keys.ts';
import { InMemorySubjectKeys } from './testing.ts';

const seedOf = (pair: KeyPair): string => Buffer.from(pair.getSeed()).toString();
const security = createCurve();
const ingestion = createCurve();
const number = (value: string) => ({ kind: 'customer-number', value });

const answerTo = async ({ nonce, tenant, ...question }: KeyRequest, keys: SubjectKeyProvider): Promise<KeyAnswer> => {
  const purposes = question.items[0]!.purposes;
  if (question.operation === 'resolve') return { nonce, subjects: await keys.resolve(tenant, question.items) };
  if (question.operation === 'find') return { nonce, subjects: await keys.find(tenant, question.items.map(({ identifiers }) => identifiers), purposes) };
  return { nonce, subjects: await keys.keysOf(tenant, question.items.map(({ ref }) => ref), purposes) };
};

interface Wire { readonly subject: string; readonly request: Buffer; readonly answer: Buffer }
const setUp = (change: (answer: Uint8Array, request: KeyRequest, from: string) => Uint8Array = (answer) => answer) => {
  const store = new InMemorySubjectKeys();
  const wire: Wire[] = [];
  const port = {
    ask: async (subject: string, bytes: Uint8Array) => {
      const { from, request } = openKeyRequest(bytes, security, new Set([ingestion.getPublicKey()]));
      const answer = change(sealKeyAnswer(await answerTo(request, store), security, from), request, from);
      wire.push({ subject, request: Buffer.from(bytes), answer: Buffer.from(answer) });
      return answer;
    },
  };
  return { store, wire, provider: new NatsSubjectKeyProvider(port, { seed: `${seedOf(ingestion)}\n`, securityXkey: security.getPublicKey() }) };
};
const refused = (code: string) => expect.objectContaining({ kind: 'unavailable', code: 'keys-unavailable', details: { reason: code } });

describe('subject keys over NATS', () => {
  it('come as security gave them, by name and by reference', async () => {
    const { provider, store, wire } = setUp();
    const [one, two] = await provider.resolve('shop', [{ identifiers: [number('17850')], purposes: ['contact', 'identity'] }, { identifiers: [number('13047')], purposes: [] }]);
    expect(store.made).toEqual([one!.ref, two!.ref]);
    expect([...one!.keys.keys()]).toEqual(['contact', 'identity']);
    expect(one!.keys.get('contact')!.key).toHaveLength(32);
    expect(await provider.find('shop', [[number('17850')], [number('0')]], ['contact', 'identity'])).toEqual([one, undefined]);
    expect(await provider.keysOf('shop', [one!.ref, `sub_${'0'.repeat(32)}`], ['contact', 'identity'])).toEqual([one, undefined]);
    expect(wire.map(({ subject }) => subject)).toEqual([KEY_SUBJECTS.resolve, KEY_SUBJECTS.find, KEY_SUBJECTS['keys-of']]);
  });

  it('show neither identifier nor key nor reference to who listens', async () => {
    const { provider, wire } = setUp();
    const [one] = await provider.resolve('shop', [{ identifiers: [number('customer-4711-4711')], purposes: ['contact'] }]);
    const key = Buffer.from(one!.keys.get('contact')!.key);
    const seen = Buffer.concat(wire.flatMap(({ request, answer }) => [request, answer]));
    for (const secret of [Buffer.from('customer-4711-4711'), Buffer.from(one!.ref), key, Buffer.from(key.toString('base64')), Buffer.from(key.toString('hex'))]) expect(seen.includes(secret)).toBe(false);
  });

  it('are asked for in few requests by many callers, a thousand at once', async () => {
    const { provider, store, wire } = setUp();
    const answers = await Promise.all(Array.from({ length: 1000 }, (_, index) => provider.resolve('shop', [{ identifiers: [number(String(index))], purposes: ['contact'] }])));
    expect(wire).toHaveLength(4);
    expect(answers.map(([answer]) => answer!.ref)).toEqual(store.made);
  });

  it.each([0, 1, 6, 20, 40, -1])('are refused, not guessed, when byte %d of the answer is altered', async (at) => {
    const { provider } = setUp((answer) => Uint8Array.from(answer, (byte, index) => (index === (at + answer.length) % answer.length ? byte ^ 0x10 : byte)));
    await expect(provider.keysOf('shop', [`sub_${'0'.repeat(32)}`], [])).rejects.toEqual(refused('not-security'));
  });

  it.each<[string, (answer: Uint8Array, request: KeyRequest, from: string) => Uint8Array, string]>([
    ['sealed by someone else', (_, { nonce }, from) => sealKeyAnswer({ nonce, subjects: [] }, createCurve(), from), 'not-security'],
    ['to an older request', (_, __, from) => sealKeyAnswer({ nonce: 'n'.repeat(22), subjects: [undefined] }, security, from), 'answer-to-another-request'],
    ['empty', () => new Uint8Array(), 'not-security'],
    ['a refusal in clear', () => refuseKeyRequest('xkey-unknown'), 'xkey-unknown'],
    ['a refusal, sealed', (_, { nonce }, from) => sealKeyAnswer({ nonce, refused: { kind: 'unavailable', code: 'keys-database-unavailable' } }, security, from), 'keys-database-unavailable'],
    ['without the subject asked for', (_, { nonce }, from) => sealKeyAnswer({ nonce, subjects: [undefined] }, security, from), 'resolve-left-unanswered'],
  ])('fail closed when the answer is %s', async (_, change, code) => {
    await expect(setUp(change).provider.resolve('shop', [{ identifiers: [number('1')], purposes: [] }])).rejects.toEqual(refused(code));
  });

  it('fail closed when no answer comes', async () => {
    const provider = new NatsSubjectKeyProvider({ ask: () => Promise.reject(new Error('TIMEOUT')) }, { seed: seedOf(ingestion), securityXkey: security.getPublicKey() });
    await expect(provider.keysOf('shop', ['sub_1'], [])).rejects.toEqual(refused('no-answer'));
  });

  it('refuse a bad question before it is sent, so that it fails no other caller', async () => {
    const { provider, wire } = setUp();
    await expect(provider.resolve('shop', [{ identifiers: [number('')], purposes: [] }])).rejects.toMatchObject({ kind: 'invalid', code: 'identifier-malformed' });
    await expect(provider.resolve('shop', [{ identifiers: [], purposes: [] }])).rejects.toMatchObject({ code: 'key-question-malformed' });
    await expect(provider.keysOf('Shop!', ['sub_1'], [])).rejects.toMatchObject({ code: 'tenant-malformed' });
    expect(wire).toHaveLength(0);
  });
});

describe('a key request', () => {
  const allowed = new Set([ingestion.getPublicKey()]);
  it('of a curve key that is not allowed is refused', async () => {
    const stranger = createCurve();
    const provider = new NatsSubjectKeyProvider({ ask: async (_, bytes) => { openKeyRequest(bytes, security, allowed); return new Uint8Array(); } }, { seed: seedOf(stranger), securityXkey: security.getPublicKey() });
    await expect(provider.keysOf('shop', ['sub_1'], [])).rejects.toMatchObject({ kind: 'forbidden', code: 'xkey-unknown' });
  });

  it.each([
    ['empty', Buffer.of()], ['not a key', Buffer.alloc(200, 'a')],
    ['under a name that is not the sealer\'s', Buffer.concat([Buffer.from(ingestion.getPublicKey()), createCurve().seal(Buffer.from('{}'), security.getPublicKey())])],
    ['sealed to someone else', Buffer.concat([Buffer.from(ingestion.getPublicKey()), ingestion.seal(Buffer.from('{}'), createCurve().getPublicKey())])],
    ['not JSON', Buffer.concat([Buffer.from(ingestion.getPublicKey()), ingestion.seal(Buffer.from([0xff, 0xfe]), security.getPublicKey())])],
    ['of an unknown form', Buffer.concat([Buffer.from(ingestion.getPublicKey()), ingestion.seal(Buffer.from('{"operation":"erase"}'), security.getPublicKey())])],
    ['cut', Buffer.concat([Buffer.from(ingestion.getPublicKey()), Buffer.from('xkv1')])],
    ['too large', Buffer.concat([Buffer.from(ingestion.getPublicKey()), Buffer.alloc(2_000_000)])],
  ])('that is %s is refused', (_, bytes) => {
    expect(() => openKeyRequest(bytes, security, allowed)).toThrow(expect.objectContaining({ kind: 'invalid', code: 'key-request-malformed' }));
  });
});
