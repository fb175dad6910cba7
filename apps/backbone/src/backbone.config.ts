import { z } from 'zod';
import { DEFAULT_STREAM_LIMITS } from '@millrace/event-bus';
import { VerifierKey } from '@millrace/ledger';
import { defineConfig, integer, serviceUrl, setting, shared, type ConfigOf } from '@millrace/service-kit';

const { eventsUrl, segmentsDir, natsUrl, natsSeedFile } = shared;

/** An hour of counter deltas of a busy shop is some ten thousand small rows: folding them takes milliseconds. */
const DEFAULT_FOLD_MS = 60_000;
/** Every statement of ours ends within half a minute; an older snapshot is somebody's forgotten transaction. */
const DEFAULT_SNAPSHOT_ALERT_MS = 60_000;

const witnessKey: z.ZodType<VerifierKey> = z.string().transform((text, context) => {
  try {
    return VerifierKey.parse(text);
  } catch (error) {
    context.issues.push({ code: 'custom', message: error instanceof Error ? error.message : 'malformed', input: '' });
    return z.NEVER;
  }
});

export const backboneConfig = defineConfig('backbone', {
  eventsUrl, segmentsDir, natsUrl, natsSeedFile,
  snapshotAlertMs: setting('MILLRACE_SNAPSHOT_ALERT_MS', integer(1).default(DEFAULT_SNAPSHOT_ALERT_MS), 'age of the oldest open snapshot on the event database that is reported'),
  streamMaxBytes: setting('MILLRACE_STREAM_MAX_BYTES', integer(1024 * 1024).default(DEFAULT_STREAM_LIMITS.maxBytes), 'how much of a log its stream keeps, in bytes; older events are read from Postgres'),
  streamMaxAgeMs: setting('MILLRACE_STREAM_MAX_AGE_MS', integer(1_000).default(DEFAULT_STREAM_LIMITS.maxAgeMs), 'how long a stream keeps an event'),
  reconcileMs: setting('MILLRACE_RECONCILE_MS', integer(100).default(10_000), 'how often the counts of sources, logs, streams and consumers are compared'),
  foldCountersMs: setting('MILLRACE_FOLD_COUNTERS_MS', integer(100).default(DEFAULT_FOLD_MS), 'how often counter deltas are folded together'),
  ledgerSeedFile: setting('MILLRACE_LEDGER_SEED_FILE', z.string(), 'file (0600) with the Ed25519 seed checkpoints are signed with: 64 hex digits'),
  ledgerDir: setting('MILLRACE_LEDGER_DIR', z.string(), 'folder for the leaf hashes kept outside of the database'),
  witnessUrl: serviceUrl('witness'),
  witnessKey: setting('MILLRACE_WITNESS_KEY', witnessKey, 'the witness\'s verifier key: <name>+<id>+<key>'),
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
