import { startService } from '@millrace/service-kit';
import { backboneConfig } from './backbone.config.ts';

await startService({ config: backboneConfig, module: async () => (await import('./app.module.ts')).AppModule });
