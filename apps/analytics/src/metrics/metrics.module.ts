import { Module } from '@nestjs/common';
import { AnalyticsDatabaseModule } from '../analytics-database.module.ts';
import { MetricsController } from './metrics.controller.ts';

@Module({ imports: [AnalyticsDatabaseModule], controllers: [MetricsController] })
export class MetricsModule {}
