import { z } from 'zod';
import { defineConfig, serviceUrl, setting, shared, type ConfigOf } from '@millrace/service-kit';

const flag = z.enum(['true', 'false']).default('false').transform((text) => text === 'true');

export const consoleConfig = defineConfig('console', {
  apiTokenFile: shared.apiTokenFile,
  analyticsUrl: serviceUrl('analytics'),
  backboneUrl: serviceUrl('backbone'),
  ingestionUrl: serviceUrl('ingestion'),
  securityUrl: serviceUrl('security'),
  supervisorUrl: setting('MILLRACE_SUPERVISOR_URL', z.url({ protocol: /^https?$/ }).optional(), 'where the supervisor tells memory and restarts of every process; not set where there is none, as in a cluster'),
  warehouseUrl: serviceUrl('warehouse'),
  secureCookie: setting('MILLRACE_SECURE_COOKIE', flag, 'true where the console is served over HTTPS: the session cookie then never travels in the clear'),
});
export type ConsoleConfig = ConfigOf<typeof consoleConfig>;
