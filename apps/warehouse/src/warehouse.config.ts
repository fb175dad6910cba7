import { defineConfig, setting, shared, type ConfigOf } from '@millrace/service-kit';
import { z } from 'zod';

const { eventsUrl, segmentsDir, natsUrl, natsSeedFile, dataDir } = shared;

export const warehouseConfig = defineConfig('warehouse', {
  eventsUrl, segmentsDir, natsUrl, natsSeedFile, dataDir,
  queryTimeoutMs: setting('MILLRACE_QUERY_TIMEOUT_MS', z.coerce.number().int().min(100).max(600_000).default(20_000), 'a query is ended after this many milliseconds'),
  queryProcesses: setting('MILLRACE_QUERY_PROCESSES', z.coerce.number().int().min(1).max(16).default(2), 'queries that run at once, each in a process of up to 512 MiB'),
});
export type WarehouseConfig = ConfigOf<typeof warehouseConfig>;
