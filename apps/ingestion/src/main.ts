import { startService } from '@millrace/service-kit';
import { ingestionConfig } from './ingestion.config.ts';
import { rawBodies } from './raw-bodies.ts';

await startService({ config: ingestionConfig, module: async () => (await import('./app.module.ts')).AppModule, http: rawBodies });
