import { Module } from '@nestjs/common';
import { LOGGER, METRICS, type Logger } from '@millrace/service-kit';
import { Gauge, type Registry } from 'prom-client';
import type { DataSource } from 'typeorm';
import { AnalyticsDatabaseModule } from '../analytics-database.module.ts';
import { QUESTIONS } from '../injection-tokens.ts';
import { KpiHub } from './kpi-hub.ts';
import { readKpis } from './kpi.query.ts';
import { StreamController } from './stream.controller.ts';

@Module({
  imports: [AnalyticsDatabaseModule],
  controllers: [StreamController],
  providers: [{
    provide: KpiHub,
    inject: [QUESTIONS, LOGGER, METRICS],
    useFactory: (database: DataSource, logger: Logger, registry: Registry): KpiHub => {
      const hub = new KpiHub((tenant) => readKpis(database, tenant), (err) => logger.warn({ err }, 'KPIs could not be read'));
      new Gauge({ name: 'millrace_analytics_live_streams', help: 'Open live streams', registers: [registry], collect() { this.set(hub.subscribers); } });
      return hub;
    },
  }],
  exports: [KpiHub],
})
export class LiveModule {}
