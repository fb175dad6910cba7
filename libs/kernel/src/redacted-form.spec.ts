import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { StoredEvent } from './event.ts';
import { isRedacted, REDACTED_DATA, REDACTED_SALT, redactedForm } from './redacted-form.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const event = (data: string, salt: Uint8Array): StoredEvent => ({
  log: { tenant: 'shop', context: 'sales', shard: 0 }, epoch: 9, position: 3, streamVersion: 2, leaf: new Uint8Array(32).fill(7), envelopeBytes: bytes('{}'), data: bytes(data), salt,
  envelope: { specversion: '1.0', id: 'e-3', source: '/spec', type: 'sales.order.placed', version: 1, tenant: 'shop', stream: 'sales.order/3', time: '', receivedtime: '', recordedtime: '', via: 'spec', fingerprint: '' },
});

describe('a redacted event', () => {
  it('is known by data and salt together', () => {
    expect(isRedacted(event(REDACTED_DATA, REDACTED_SALT))).toBe(true);
    fc.assert(fc.property(fc.string(), fc.uint8Array({ minLength: 16, maxLength: 16 }), (data, salt) => {
      fc.pre(salt.some((byte) => byte > 0));
      expect(isRedacted(event(data, salt))).toBe(false);
      expect(isRedacted(event(REDACTED_DATA, salt))).toBe(false);
      expect(isRedacted(event(data, REDACTED_SALT))).toBe(data === REDACTED_DATA);
    }));
  });

  it('keeps everything but data and salt, and is still JSON', () => {
    const before = event('{"note":"a card number"}', new Uint8Array(16).fill(1));
    const after = redactedForm(before);
    expect(after).toEqual({ ...before, data: after.data, salt: REDACTED_SALT });
    expect(JSON.parse(Buffer.from(after.data).toString())).toEqual({ $redacted: true });
    expect([isRedacted(after), redactedForm(after)]).toEqual([true, after]);
  });
});
