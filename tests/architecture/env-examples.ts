import { envExample } from '@millrace/service-kit';
import { analyticsConfig } from '../../apps/analytics/src/analytics.config.ts';
import { backboneConfig, migrateConfig } from '../../apps/backbone/src/backbone.config.ts';
import { witnessConfig } from '../../apps/backbone/src/witness/witness.config.ts';
import { consoleConfig } from '../../apps/console/src/console.config.ts';
import { ingestionConfig } from '../../apps/ingestion/src/ingestion.config.ts';
import { securityConfig } from '../../apps/security/src/security.config.ts';
import { simulatorConfig } from '../../apps/simulator/src/simulator.config.ts';
import { warehouseConfig } from '../../apps/warehouse/src/warehouse.config.ts';

const CONFIGS = {
  analytics: [analyticsConfig], backbone: [backboneConfig, witnessConfig, migrateConfig], console: [consoleConfig], ingestion: [ingestionConfig],
  security: [securityConfig], simulator: [simulatorConfig], warehouse: [warehouseConfig],
};

/** `.env.example` of every app that runs as a service, by its folder. The command line reads its environment itself. */
export const envExamples = (): ReadonlyMap<string, string> => new Map(Object.entries(CONFIGS).map(([app, definitions]) => [app, envExample(app, definitions)]));
