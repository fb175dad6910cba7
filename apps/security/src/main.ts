import { startService } from '@millrace/service-kit';
import { securityConfig } from './security.config.ts';

await startService({ config: securityConfig, module: async () => (await import('./app.module.ts')).AppModule });
