import { z } from 'zod';
import { defineConfig, setting, shared, type ConfigOf } from '@millrace/service-kit';

const { eventsUrl, segmentsDir, databaseUrl, natsUrl, natsSeedFile, xkeySeedFile, securityXkey } = shared;

export const ingestionConfig = defineConfig('ingestion', {
  eventsUrl, segmentsDir, databaseUrl, natsUrl, natsSeedFile, xkeySeedFile, securityXkey,
  // 48 MiB of bodies become about ten times as much while they are parsed: a third of the machine's 2 GB.
  maxInFlightBytes: setting('MILLRACE_INTAKE_MAX_IN_FLIGHT_BYTES', z.coerce.number().int().min(4 * 1024 * 1024).default(48 * 1024 * 1024), 'bodies taken in at once; beyond it requests are answered 429'),
  maxInFlightRequests: setting('MILLRACE_INTAKE_MAX_IN_FLIGHT_REQUESTS', z.coerce.number().int().min(1).default(512), 'requests taken in at once; beyond it they are answered 429'),
});
export type IngestionConfig = ConfigOf<typeof ingestionConfig>;
