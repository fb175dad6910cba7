import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { envExamples } from './env-examples.ts';

const apps = resolve(import.meta.dirname, '../../apps');
const examples = envExamples();

describe('an app\'s .env.example', () => {
  it.each([...examples])('of %s is what its settings say today: else run tools/env-examples.mjs', (app, text) => {
    expect(readFileSync(join(apps, app, '.env.example'), 'utf8')).toBe(text);
  });

  it('is there for every app that has a config of settings', () => {
    const services = readdirSync(apps).filter((app) => app !== 'cli' && existsSync(join(apps, app, 'src', `${app}.config.ts`)));
    expect([...examples.keys()]).toEqual(services.toSorted());
  });

  it('marks what must be set, and leaves the rest at its default', () => {
    const text = examples.get('ingestion') ?? '';
    expect(text).toContain('\nMILLRACE_HTTP_PORT=\n');
    expect(text).toContain('\n# MILLRACE_HTTP_HOST=127.0.0.1\n');
    expect(text).toMatch(/\(required, secret\)\nMILLRACE_EVENTS_URL=\n/);
    expect(text).toMatch(/\(default: as many as processors, 4 at most\)\n# MILLRACE_INTAKE_THREADS=\n/);
  });
});
