import { describe, expect, it } from '@jest/globals';
import { createCurve } from '@nats-io/nkeys';
import fc from 'fast-check';
import { KEY_REQUEST_BOUNDS, openKeyAnswer, openKeyRequest, refuseKeyRequest, sealKeyAnswer, sealKeyRequest, type KeyAnswer, type KeyRequest } from './key-exchange.ts';
import type { SubjectKeys } from './subject-keys.ts';

const [security, ingestion] = [createCurve(), createCurve()];
const [securityXkey, ingestionXkey] = [security.getPublicKey(), ingestion.getPublicKey()];
const allowed = new Set([ingestionXkey]);
const open = (request: unknown): KeyRequest => openKeyRequest(sealKeyRequest(request as KeyRequest, ingestion, ingestionXkey, securityXkey), security, allowed).request;
const nonce = 'n'.repeat(22);

const hex = (digits: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`));
const purpose = fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/);
const ref = hex(32).map((digits) => `sub_${digits}`);
const named = fc.record({ identifiers: fc.array(fc.record({ kind: fc.constantFrom('email', 'customer-number'), value: fc.string({ maxLength: 320 }) }), { minLength: 1, maxLength: 8 }), purposes: fc.array(purpose, { maxLength: 8 }) }, { noNullPrototype: true });
const subject = fc.record({ ref, keys: fc.array(fc.record({ purpose, epoch: fc.integer({ min: 1 }), key: fc.uint8Array({ minLength: 32, maxLength: 32 }) }), { maxLength: 8 }) })
  .map(({ ref: name, keys }): SubjectKeys => ({ ref: name, keys: new Map(keys.map((key) => [key.purpose, { ...key, key: Buffer.from(key.key) }])) }));

describe('a request for keys', () => {
  it('comes out as it went in, from whom it was sealed', () => {
    fc.assert(fc.property(fc.constantFrom('resolve' as const, 'find' as const), fc.array(named, { minLength: 1, maxLength: 5 }), (operation, items) => {
      expect(open({ operation, nonce, tenant: 'shop', items })).toEqual(JSON.parse(JSON.stringify({ operation, nonce, tenant: 'shop', items })));
    }), { numRuns: 20 });
    expect(openKeyRequest(sealKeyRequest({ operation: 'keys-of', nonce, tenant: 'shop', items: [{ ref: `sub_${'0'.repeat(32)}`, purposes: [] }] }, ingestion, ingestionXkey, securityXkey), security, allowed).from).toBe(ingestionXkey);
  });

  const item = { identifiers: [{ kind: 'email', value: 'a@x.org' }], purposes: ['contact'] };
  const request = { operation: 'resolve', nonce, tenant: 'shop', items: [item] };
  it.each<[string, unknown]>([
    ['an unknown operation', { ...request, operation: 'erase' }], ['no nonce', { ...request, nonce: '' }], ['a tenant of another form', { ...request, tenant: 'Shop' }],
    ['no item', { ...request, items: [] }], ['too many items', { ...request, items: Array.from({ length: KEY_REQUEST_BOUNDS.maxItems + 1 }, () => item) }],
    ['no identifier', { ...request, items: [{ ...item, identifiers: [] }] }], ['too many identifiers', { ...request, items: [{ ...item, identifiers: Array.from({ length: 9 }, () => item.identifiers[0]) }] }],
    ['too many purposes', { ...request, items: [{ ...item, purposes: Array.from({ length: 9 }, (_, index) => `p${index}`) }] }], ['a purpose of another form', { ...request, items: [{ ...item, purposes: ['a|b'] }] }],
    ['an identifier too long', { ...request, items: [{ ...item, identifiers: [{ kind: 'email', value: 'x'.repeat(1025) }] }] }],
    ['a member too many', { ...request, sql: 'x' }], ['references to an operation by name', { ...request, items: [{ ref: `sub_${'0'.repeat(32)}`, purposes: [] }] }],
    ['a reference of another form', { operation: 'keys-of', nonce, tenant: 'shop', items: [{ ref: 'sub_1', purposes: [] }] }], ['null', null], ['a text', 'x'],
  ])('is refused with %s', (_, wrong) => {
    expect(() => open(wrong)).toThrow(expect.objectContaining({ kind: 'invalid', code: 'key-request-malformed', details: {} }));
  });
});

describe('an answer with keys', () => {
  it('comes out as it went in, for whom it was sealed, in its order', () => {
    fc.assert(fc.property(fc.array(fc.option(subject, { nil: undefined }), { maxLength: 6 }), (subjects) => {
      const answer: KeyAnswer = { nonce, subjects };
      expect(openKeyAnswer(sealKeyAnswer(answer, security, ingestionXkey), ingestion, securityXkey, nonce)).toEqual(answer);
    }), { numRuns: 20 });
  });

  it('opens for nobody else', () => {
    const answer = sealKeyAnswer({ nonce, subjects: [] }, security, ingestionXkey);
    expect(() => openKeyAnswer(answer, createCurve(), securityXkey, nonce)).toThrow(expect.objectContaining({ kind: 'unavailable', code: 'keys-unavailable' }));
    expect(() => openKeyAnswer(answer, ingestion, createCurve().getPublicKey(), nonce)).toThrow(expect.objectContaining({ code: 'keys-unavailable' }));
  });

  it('may be a refusal, sealed or bare; a bare one says no more than a code', () => {
    const refused: KeyAnswer = { nonce, refused: { kind: 'unavailable', code: 'key-database-unavailable' } };
    expect(openKeyAnswer(sealKeyAnswer(refused, security, ingestionXkey), ingestion, securityXkey, nonce)).toEqual(refused);
    expect(() => openKeyAnswer(refuseKeyRequest('xkey-unknown\n<script>'.padEnd(500, 'x')), ingestion, securityXkey, nonce)).toThrow(expect.objectContaining({ details: { reason: expect.stringMatching(/^xkey-unknown[a-z-]{1,60}$/) } }));
  });
});
