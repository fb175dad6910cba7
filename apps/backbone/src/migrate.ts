import { processEnvironment, readConfig, readServiceManifests } from '@millrace/service-kit';
import { migrateConfig } from './backbone.config.ts';
import { prepareEventDatabase } from './event-log/owner.ts';

// Run once before the services start: `node dist/migrate.js`. Prints one line; exit code 0 only when schema and grants are in place.
const reading = readConfig(migrateConfig, processEnvironment());
if (reading.ok) {
  try {
    const done = await prepareEventDatabase(reading.config.adminUrl, readServiceManifests(reading.config.manifestsDir));
    process.stdout.write(`event database ready: ${done.migrations} migrations ran, grants of ${done.services} services are in place\n`);
  } catch (error) {
    process.stderr.write(`backbone migrate: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
} else {
  process.stderr.write(`backbone migrate: ${reading.problems.join('; ')}\n`);
  process.exitCode = 1;
}
