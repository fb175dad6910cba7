import { defineConfig, integer, setting, shared, type ConfigOf } from '@millrace/service-kit';

const { eventsUrl, segmentsDir, natsUrl, natsSeedFile, dataDir } = shared;

export const warehouseConfig = defineConfig('warehouse', {
  eventsUrl, segmentsDir, natsUrl, natsSeedFile, dataDir,
  queryTimeoutMs: setting('MILLRACE_QUERY_TIMEOUT_MS', integer(100, 600_000).default(20_000), 'a query is ended after this many milliseconds'),
  queryProcesses: setting('MILLRACE_QUERY_PROCESSES', integer(1, 16).default(2), 'queries that run at once, each in a process of up to 512 MiB'),
});
export type WarehouseConfig = ConfigOf<typeof warehouseConfig>;
