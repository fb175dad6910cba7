import { EventTransport, startService } from '@millrace/service-kit';
import { warehouseConfig } from './warehouse.config.ts';

await startService({ config: warehouseConfig, module: async () => (await import('./app.module.ts')).AppModule, transports: [EventTransport] });
