import { Registry } from 'prom-client';
import { DomainError } from '@millrace/kernel';
import { durations } from './durations.ts';

it('counts work by its outcome and passes on what it gives or throws', async () => {
  const registry = new Registry();
  const measure = durations(registry, 'millrace_work_duration_seconds', 'spec', ['subject']);
  expect(await measure({ subject: 'a' }, async () => 7)).toBe(7);
  await expect(measure({ subject: 'a' }, () => Promise.reject(new DomainError('conflict', 'taken')))).rejects.toMatchObject({ code: 'taken' });
  await expect(measure({ subject: 'a' }, () => Promise.reject(new RangeError('x')))).rejects.toThrow(RangeError);
  const metrics = await registry.metrics();
  for (const outcome of ['ok', 'conflict', 'failed']) expect(metrics).toMatch(new RegExp(`_count\\{.*outcome="${outcome}".*\\} 1`));
});
