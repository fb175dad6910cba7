import { EventTransport, startService } from '@millrace/service-kit';
import { analyticsConfig } from './analytics.config.ts';

await startService({ config: analyticsConfig, module: async () => (await import('./app.module.ts')).AppModule, transports: [EventTransport] });
