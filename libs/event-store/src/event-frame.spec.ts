import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { canonicalEnvelope } from './canonical-envelope.ts';
import { dataOf, envelopeOf, fingerprintOf, frameEvent, frameLength, leafHash, leafOf, lengthOf, saltOf, type EventFrame } from './event-frame.ts';

const hex64 = fc.stringMatching(/^[0-9a-f]{64}$/);
const bytes = (value: Uint8Array): Buffer => Buffer.from(value);
const whole = (frame: EventFrame): Buffer => frame.slab.subarray(frame.offset, frame.offset + lengthOf(frame));
const sha256 = (...parts: Uint8Array[]): Buffer => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

describe('an event frame', () => {
  const source = fc.record({ envelope: fc.string({ unit: 'grapheme', maxLength: 300 }), data: fc.uint8Array({ maxLength: 600 }), fingerprint: hex64 });

  it('gives back the parts it was made of', () => fc.assert(fc.property(source, (made) => {
    const frame = frameEvent(made);
    expect(whole(frame)).toHaveLength(frameLength(made));
    expect(bytes(envelopeOf(frame)).toString()).toBe(made.envelope);
    expect(bytes(dataOf(frame))).toEqual(bytes(made.data));
    expect(bytes(fingerprintOf(frame)).toString('hex')).toBe(made.fingerprint);
    expect([saltOf(frame).length, leafOf(frame).length]).toEqual([16, 32]);
  })));

  it('carries the leaf SHA-256(00, envelope, SHA-256(salt, data))', () => fc.assert(fc.property(source, (made) => {
    const frame = frameEvent(made);
    const [envelope, salt, data] = [envelopeOf(frame), saltOf(frame), dataOf(frame)];
    expect(bytes(leafOf(frame))).toEqual(sha256(Buffer.of(0), envelope, sha256(salt, data)));
    expect(bytes(leafHash(envelope, salt, data))).toEqual(bytes(leafOf(frame)));
  })));

  it('lies wherever in a buffer it is put, beside others', () => fc.assert(fc.property(fc.array(source, { minLength: 1, maxLength: 6 }), (sources) => {
    const slab = Buffer.alloc(sources.reduce((sum, one) => sum + frameLength(one), 0));
    let offset = 0;
    const frames = sources.map((one) => { const frame = frameEvent(one, slab, offset); offset += lengthOf(frame); return frame; });
    expect(Buffer.concat(frames.map(whole))).toEqual(slab);
    expect(frames.map((frame) => bytes(dataOf(frame)))).toEqual(sources.map((one) => bytes(one.data)));
  })));

  it('never uses a salt twice', () => {
    const salts = Array.from({ length: 3000 }, () => bytes(saltOf(frameEvent({ envelope: '{}', data: Buffer.of(1), fingerprint: '0'.repeat(64) }))).toString('hex'));
    expect(new Set(salts).size).toBe(3000);
  });

  it('has the leaf of a vector computed by hand', () => {
    const [envelope, salt, data] = ['{}', '000102030405060708090a0b0c0d0e0f', '{"n":1}'].map((text, n) => Buffer.from(text, n === 1 ? 'hex' : 'utf8'));
    expect(bytes(leafHash(envelope!, salt!, data!)).toString('hex')).toBe(sha256(Buffer.from('007b7d', 'hex'), sha256(Buffer.from('000102030405060708090a0b0c0d0e0f7b226e223a317d', 'hex'))).toString('hex'));
  });
});

describe('the canonical envelope', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((value) => value.isWellFormed() && !value.includes('\0'));
  const required = { id: text, source: text, type: text, version: fc.nat(), tenant: text, stream: text, time: text, receivedtime: text, via: text, fingerprint: hex64, specversion: fc.constant('1.0' as const) };
  const optional = { subject: text, producertime: text, traceparent: text, causationid: text, correlationid: text };
  const envelope = fc.record({ ...required, ...optional }, { requiredKeys: Object.keys(required) as (keyof typeof required)[] });
  const recorded = '2026-01-02T03:04:05.678Z';

  it('is what the canonicalize package makes of it', () => fc.assert(fc.property(envelope, (made) => {
    expect(canonicalEnvelope(made, recorded)).toBe(canonicalize({ ...made, recordedtime: recorded }));
  })));

  it('keeps names it does not know, in order', () => fc.assert(fc.property(envelope, fc.stringMatching(/^[a-z]{1,10}$/), text, (made, name, value) => {
    const extended = { ...made, [`x${name}`]: value };
    expect(canonicalEnvelope(extended, recorded)).toBe(canonicalize({ ...extended, recordedtime: recorded }));
  })));

  it.each([['NUL', 'a\0b'], ['a lone surrogate', '\uD800x'], ['a lone low surrogate', 'x\uDC00']])('refuses %s', (_name, subject) => {
    const [made] = fc.sample(envelope, 1);
    for (const broken of [{ ...made!, subject }, { ...made!, xother: subject }]) {
      expect(() => canonicalEnvelope(broken, recorded)).toThrow(expect.objectContaining({ kind: 'invalid', code: 'envelope-text-malformed' }));
    }
  });

  it('takes text that only looks like an escape', () => {
    const [made] = fc.sample(envelope, 1);
    expect(JSON.parse(canonicalEnvelope({ ...made!, subject: String.raw`\u0000 \ud800` }, recorded))).toMatchObject({ subject: String.raw`\u0000 \ud800` });
  });
});
