import { Module } from '@nestjs/common';
import { systemClock } from '@millrace/kernel';
import { Closing, CONFIG, Readiness } from '@millrace/service-kit';
import type { IngestionConfig } from '../ingestion.config.ts';
import { openSourceDatabase } from './source-database.ts';
import { SourceKeys } from './source-keys.ts';
import { SourcesController } from './sources.controller.ts';

@Module({
  controllers: [SourcesController],
  providers: [{
    provide: SourceKeys,
    inject: [CONFIG, Closing, Readiness],
    useFactory: async (config: IngestionConfig, closing: Closing, readiness: Readiness): Promise<SourceKeys> => {
      const database = await openSourceDatabase(config.databaseUrl);
      readiness.add('sources', () => database.query('select 1'));
      closing.add('sources', () => database.destroy());
      return new SourceKeys(database, systemClock);
    },
  }],
  exports: [SourceKeys],
})
export class SourcesModule {}
