import { Module } from '@nestjs/common';
import { Closing, CONFIG, Readiness } from '@millrace/service-kit';
import type { DataSource } from 'typeorm';
import type { AnalyticsConfig } from './analytics.config.ts';
import { openAnalyticsDatabase } from './analytics-database.ts';
import { DATABASE } from './database.token.ts';

@Module({
  providers: [{
    provide: DATABASE,
    inject: [CONFIG, Closing, Readiness],
    useFactory: async (config: AnalyticsConfig, closing: Closing, readiness: Readiness): Promise<DataSource> => {
      const database = await openAnalyticsDatabase(config.databaseUrl);
      readiness.add('database', () => database.query('select 1'));
      closing.add('database', () => database.destroy());
      return database;
    },
  }],
  exports: [DATABASE],
})
export class AnalyticsDatabaseModule {}
