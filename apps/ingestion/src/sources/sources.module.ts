import { Module } from '@nestjs/common';
import type { Clock } from '@millrace/kernel';
import { CLOCK, Closing, CONFIG, Readiness } from '@millrace/service-kit';
import type { IngestionConfig } from '../ingestion.config.ts';
import { openSourceDatabase } from './source-database.ts';
import { SourceKeys } from './source-keys.ts';
import { SourcesController } from './sources.controller.ts';

@Module({
  controllers: [SourcesController],
  providers: [{
    provide: SourceKeys,
    inject: [CONFIG, Closing, Readiness, CLOCK],
    useFactory: async (config: IngestionConfig, closing: Closing, readiness: Readiness, clock: Clock): Promise<SourceKeys> => {
      const database = await openSourceDatabase(config.databaseUrl);
      readiness.add('sources', () => database.query('select 1'));
      closing.add('sources', () => database.destroy());
      return new SourceKeys(database, clock);
    },
  }],
  exports: [SourceKeys],
})
export class SourcesModule {}
