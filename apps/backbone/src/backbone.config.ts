import { z } from 'zod';
import { defineConfig, setting, shared, type ConfigOf } from '@millrace/service-kit';

const { eventsUrl, natsUrl, natsSeedFile } = shared;

/** An hour of counter deltas of a busy shop is some ten thousand small rows: folding them takes milliseconds. */
const DEFAULT_FOLD_MS = 60_000;

export const backboneConfig = defineConfig('backbone', {
  eventsUrl, natsUrl, natsSeedFile,
  foldCountersMs: setting('MILLRACE_FOLD_COUNTERS_MS', z.coerce.number().int().min(100).default(DEFAULT_FOLD_MS), 'how often counter deltas are folded together'),
});
export type BackboneConfig = ConfigOf<typeof backboneConfig>;

/** What the one-shot migration reads; it listens to nothing. */
export const migrateConfig = {
  service: 'backbone migrate',
  settings: {
    adminUrl: setting('MILLRACE_EVENTS_ADMIN_URL', z.url({ protocol: /^postgres(ql)?$/, error: 'expected an address like postgres://role:password@host:port/database' }), 'event database, as a role that may create roles', { secret: true }),
    manifestsDir: setting('MILLRACE_MANIFESTS_DIR', z.string().default('apps'), 'folder whose <service>/service.yaml say what each service may do'),
  },
};
