import { Module } from '@nestjs/common';
import { LiveModule } from './live/live.module.ts';
import { MetricsModule } from './metrics/metrics.module.ts';

@Module({ imports: [MetricsModule, LiveModule] })
export class AppModule {}
