import { startService } from '@millrace/service-kit';
import { consoleConfig } from './console.config.ts';
import { protectAnswers } from './site/answer-headers.ts';
import { serveSite } from './site/static-site.ts';

await startService({
  config: consoleConfig,
  module: async () => (await import('./app.module.ts')).AppModule,
  http: { prepare: (fastify) => { protectAnswers(fastify); serveSite(fastify); } },
});
