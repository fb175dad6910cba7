import { describe, expect, it } from '@jest/globals';
import { redactedForm, type Envelope, type JsonObject, type StoredEvent } from '@millrace/kernel';
import fc from 'fast-check';
import { toEventView } from './event-view.ts';

const envelope: Envelope = {
  specversion: '1.0', id: 'e-1', source: '/shop', type: 'customer.profile.registered', version: 2, tenant: 'shop', stream: 'customer.profile/7', subject: 'sub_00112233445566778899aabbccddeeff',
  time: '2026-11-01T00:00:00.000Z', receivedtime: '2026-11-01T00:00:01.000Z', recordedtime: '2026-11-01T00:00:01.001Z', via: 'web', fingerprint: '00'.repeat(32),
};
const stored = (data: unknown, part: Partial<StoredEvent> = {}): StoredEvent => ({
  log: { tenant: 'shop', context: 'customer', shard: 2 }, epoch: 1_700_000_000, position: 31, streamVersion: 4, envelope, envelopeBytes: Buffer.from(JSON.stringify(envelope)),
  data: Buffer.from(JSON.stringify(data)), salt: Uint8Array.from({ length: 16 }, (_, at) => at), leaf: Uint8Array.from({ length: 32 }, (_, at) => 255 - at), ...part,
});

const SEALED = { $sealed: { subject: envelope.subject!, purpose: 'contact', epoch: 1, path: '/email', typeVersion: 1, box: 'AAECAwQFBgcICQoL' } };

describe('an event as the API shows it', () => {
  it('has its place, its hashes as hex, its envelope and its data', () => {
    expect(toEventView(stored({ lines: [{ price: '1.20' }] }))).toEqual({
      log: 'customer/2', position: 31, epoch: 1_700_000_000, streamVersion: 4, envelope, data: { lines: [{ price: '1.20' }] },
      salt: '000102030405060708090a0b0c0d0e0f', leaf: Buffer.from(Uint8Array.from({ length: 32 }, (_, at) => 255 - at)).toString('hex'),
    });
  });

  it('of an older version also says how it is read today, sealed fields moved and as sealed as before', () => {
    const name = { $sealed: { ...SEALED.$sealed, path: '/customer/name' } };
    const data = { customer: { ref: envelope.subject, name }, country: 'DE' };
    const first = { ...envelope, version: 1 };
    expect(toEventView(stored(data, { envelope: first }))).toMatchObject({ data, current: { version: 2, data: { customer: { ref: envelope.subject }, contact: { name }, country: 'DE' } } });
    expect(toEventView(stored(data))).not.toHaveProperty('current');
    expect(toEventView(stored({ n: 7 }, { envelope: first }))).toMatchObject({ data: { n: 7 }, unreadable: 'upcast-failed' });
    expect(toEventView(stored(data, { envelope: { ...envelope, version: 9 } }))).toMatchObject({ data, unreadable: 'version-unknown' });
  });

  it('that was redacted says so, and is not taken for a fault of its contract', () => {
    for (const version of [1, 2]) expect(toEventView(redactedForm(stored({ n: 7 }, { envelope: { ...envelope, version } })))).toMatchObject({ data: { $redacted: true }, unreadable: 'event-redacted' });
  });

  it('keeps sealed fields sealed', () => {
    expect(toEventView(stored({ customer: { ref: envelope.subject }, email: SEALED })).data).toEqual({ customer: { ref: envelope.subject }, email: SEALED });
  });

  it('survives JSON with any data and any hash', () => {
    const object = fc.dictionary(fc.string().filter((key) => key !== '__proto__'), fc.jsonValue({ noUnicodeString: false }));
    fc.assert(fc.property(object, fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ minLength: 16, maxLength: 16 }), (data, leaf, salt) => {
      const view = JSON.parse(JSON.stringify(toEventView(stored(data, { leaf, salt })))) as { data: JsonObject; leaf: string; salt: string };
      expect(view.data).toEqual(JSON.parse(JSON.stringify(data)));
      expect([Buffer.from(view.leaf, 'hex'), Buffer.from(view.salt, 'hex')]).toEqual([Buffer.from(leaf), Buffer.from(salt)]);
    }));
  });

  it('reads data that is a view into a larger buffer', () => {
    const frame = Buffer.from('{"outer":1}{"n":7}{"after":2}');
    expect(toEventView(stored({}, { data: frame.subarray(11, 18) })).data).toEqual({ n: 7 });
  });
});
