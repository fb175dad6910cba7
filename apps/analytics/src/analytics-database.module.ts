import { Module } from '@nestjs/common';
import { Closing, CONFIG, Readiness } from '@millrace/service-kit';
import type { DataSource } from 'typeorm';
import type { AnalyticsConfig } from './analytics.config.ts';
import { openAnalyticsDatabase, openAside, openQuestions } from './analytics-database.ts';
import { ASIDE, DATABASE, QUESTIONS } from './injection-tokens.ts';

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
  }, {
    provide: QUESTIONS,
    // After DATABASE, which brings the tables up to date.
    inject: [CONFIG, Closing, DATABASE],
    useFactory: async (config: AnalyticsConfig, closing: Closing): Promise<DataSource> => {
      const questions = await openQuestions(config.databaseUrl);
      closing.add('questions', () => questions.destroy());
      return questions;
    },
  }, {
    provide: ASIDE,
    inject: [CONFIG, Closing, DATABASE],
    useFactory: async (config: AnalyticsConfig, closing: Closing): Promise<DataSource> => {
      const aside = await openAside(config.databaseUrl);
      closing.add('aside', () => aside.destroy());
      return aside;
    },
  }],
  exports: [DATABASE, QUESTIONS, ASIDE],
})
export class AnalyticsDatabaseModule {}
