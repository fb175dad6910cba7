import { atMost } from './telemetry.ts';

describe('the end of telemetry', () => {
  it('comes though a collector never answers', async () => {
    await expect(atMost(10, () => new Promise(() => undefined))).resolves.toBeUndefined();
  });

  it('is no failure when a collector refuses', async () => {
    await expect(atMost(30_000, () => Promise.reject(new Error('refused')))).resolves.toBeUndefined();
  });
});
