import { expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { weightOf } from './intake-desk.ts';

const events = JSON.stringify(Array.from({ length: 300 }, (_, n) => ({
  specversion: '1.0', id: `page-${n}-${Math.sin(n)}`, source: '/web', type: 'clickstream.page.viewed', time: new Date(1_700_000_000_000 + n * 977).toISOString(), data: { sessionId: `s-${n % 17}`, path: `/p/${n * 31}` },
})));

it('weighs a body as it is, and a packed one as about what it unpacks to', () => {
  expect(weightOf({ headers: {}, body: Buffer.from(events) })).toBe(events.length);
  const packed = weightOf({ headers: { 'content-encoding': 'gzip' }, body: gzipSync(events) });
  expect(packed / events.length).toBeGreaterThan(0.5);
  expect(packed / events.length).toBeLessThan(2);
});
