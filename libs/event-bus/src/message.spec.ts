import fc from 'fast-check';
import type { LogKey } from '@millrace/kernel';
import { sampleEvent } from './testing.ts';
import { decodeMessage, encodeHeaders, encodePayload, leafOf, routed } from './message.ts';

const log: LogKey = { tenant: 'shop', context: 'sales', shard: 0 };
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'accepted';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  }
};

describe('the message form', () => {
  it('carries every event there and back, byte for byte', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 2 ** 50 }), fc.integer({ min: 1, max: 2 ** 31 }), (data, position, streamVersion) => {
      const event = { ...sampleEvent(log, 7, position, { data }), streamVersion };
      const decoded = decodeMessage(log, 7, position, encodePayload(event));
      expect({ ...decoded, data: Buffer.from(decoded.data), envelopeBytes: Buffer.from(decoded.envelopeBytes) }).toEqual(event);
    }));
  });

  it('notices any flipped bit of the payload but the stream version, which no leaf holds', () => {
    const event = sampleEvent(log, 7, 3);
    const payload = encodePayload(event);
    const isVersion = (at: number): boolean => at >= 48 && at < 56;
    fc.assert(fc.property(fc.nat(payload.length - 1).filter((index) => !isVersion(index)), fc.nat(7), (index, bit) => {
      const flipped = Uint8Array.from(payload, (byte, at) => (at === index ? byte ^ (1 << bit) : byte));
      expect(codeOf(() => decodeMessage(log, 7, 3, flipped))).toBe('message-malformed');
    }));
  });

  it('refuses payloads cut anywhere', () => {
    const event = sampleEvent(log, 7, 3);
    const payload = encodePayload(event);
    for (let length = 0; length < payload.length; length += 1) expect(codeOf(() => decodeMessage(log, 7, 3, payload.subarray(0, length)))).toBe('message-malformed');
  });

  it('refuses a stream version that can be none', () => {
    const event = sampleEvent(log, 7, 3);
    for (const version of [0n, 2n ** 53n, 2n ** 64n - 1n]) {
      const payload = Buffer.from(encodePayload(event));
      payload.writeBigUInt64BE(version, 48);
      expect(codeOf(() => decodeMessage(log, 7, 3, payload))).toBe('message-malformed');
    }
  });

  it('reads type and trace from the envelope\'s text, whatever stands in its other attributes', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const sample = sampleEvent(log, 7, 3);
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), fc.boolean(), (text, traced) => {
      const lure = `${text},"type":"sales.order.cancelled","traceparent":"none"`;
      const envelope = { id: lure, source: lure, subject: lure, ...(traced ? { traceparent } : {}), type: 'sales.order.placed', version: 1, via: lure };
      const { type, traceparent: found } = routed({ ...sample, envelopeBytes: Buffer.from(JSON.stringify(envelope)) });
      expect([type, found]).toEqual(['sales.order.placed', traced ? traceparent : undefined]);
    }));
  });

  it('passes an event\'s traceparent on', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    expect(encodeHeaders({ traceparent }).get('traceparent')).toBe(traceparent);
    expect(encodeHeaders({ traceparent: undefined }).has('traceparent')).toBe(false);
  });

  it('hashes as RFC 6962 does: a zero byte before the entry', () => {
    expect(Buffer.from(leafOf(Buffer.from('e'), Buffer.from('s'), Buffer.from('d'))).toString('hex')).toBe('82d102c7b798cd4f7040db65e5891fdd87e7d1c50bbf0791bfec096d84deba56');
  });
});
