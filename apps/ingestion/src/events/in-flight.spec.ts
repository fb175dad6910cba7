import { expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { InFlight } from './in-flight.ts';

const held = (): { done: Promise<void>; release: () => void } => {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { done: promise, release: resolve };
};
const code = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'taken', (error: { code: string }) => error.code);

it('takes requests up to its bound, answers 429 with Retry-After beyond, and takes again once one is done', async () => {
  const inFlight = new InFlight({ maxRequests: 2, maxBytes: 1000 }, new Registry());
  const first = held();
  const second = held();
  const running = [inFlight.run(10, () => first.done), inFlight.run(10, () => second.done)];
  await expect(inFlight.run(10, async () => 1)).rejects.toMatchObject({ status: 429, code: 'intake-busy', retryAfterSeconds: 1 });
  first.release();
  await running[0];
  expect(await inFlight.run(10, async () => 'taken')).toBe('taken');
  second.release();
  await running[1];
});

it('bounds bytes, but one request always fits', async () => {
  const registry = new Registry();
  const inFlight = new InFlight({ maxRequests: 10, maxBytes: 100 }, registry);
  const big = held();
  const running = inFlight.run(500, () => big.done);
  expect(await code(inFlight.run(1, async () => 1))).toBe('intake-busy');
  expect(await registry.metrics()).toContain('millrace_intake_in_flight_bytes 500');
  big.release();
  await running;
  expect(await code(inFlight.run(100, async () => 1))).toBe('taken');
});

it('gives its room back when the work fails', async () => {
  const inFlight = new InFlight({ maxRequests: 1, maxBytes: 100 }, new Registry());
  for (let tries = 0; tries < 3; tries += 1) await expect(inFlight.run(90, () => Promise.reject(new Error('lost')))).rejects.toThrow('lost');
  expect(await inFlight.run(90, async () => 'taken')).toBe('taken');
});
