import { Module } from '@nestjs/common';
import { LiveModule } from './live/live.module.ts';
import { MetricsModule } from './metrics/metrics.module.ts';
import { SalesModule } from './sales/sales.module.ts';

@Module({ imports: [SalesModule, MetricsModule, LiveModule] })
export class AppModule {}
