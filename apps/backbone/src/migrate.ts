import type { ServiceManifest } from '@millrace/contracts';
import { DomainError } from '@millrace/kernel';
import { processEnvironment, readConfig, readServiceManifests } from '@millrace/service-kit';
import { migrateConfig } from './backbone.config.ts';
import { prepareEventDatabase } from './event-log/owner.ts';

/** A host with several addresses, none of which answers, fails with an AggregateError, whose own message is empty. */
const reasonOf = (error: unknown): string => {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
};

/** An empty list would be obeyed: every service would lose its rights. */
const manifestsIn = (dir: string): ServiceManifest[] => {
  const manifests = readServiceManifests(dir);
  if (manifests.length > 0) return manifests;
  throw new DomainError('not-found', 'manifests-missing', { dir }, `no service.yaml in the folders of ${dir}: set MILLRACE_MANIFESTS_DIR to the folder that holds the services`);
};

// Run once before the services start: `node dist/migrate.js`. Prints one line; exit code 0 only when schema and grants are in place.
const reading = readConfig(migrateConfig, processEnvironment());
if (reading.ok) {
  try {
    const done = await prepareEventDatabase(reading.config.adminUrl, manifestsIn(reading.config.manifestsDir));
    process.stdout.write(`event database ready: ${done.migrations} migrations ran, grants of ${done.services} services are in place\n`);
  } catch (error) {
    process.stderr.write(`backbone migrate: ${reasonOf(error)}\n`);
    process.exitCode = 1;
  }
} else {
  process.stderr.write(`backbone migrate: ${reading.problems.join('; ')}\n`);
  process.exitCode = 1;
}
