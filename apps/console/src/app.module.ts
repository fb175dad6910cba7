import { Module } from '@nestjs/common';
import { EventsController } from './upstream/events.controller.ts';
import { LiveController } from './upstream/live.controller.ts';
import { MetricsController } from './upstream/metrics.controller.ts';
import { SystemController } from './upstream/system.controller.ts';
import { Upstream } from './upstream/upstream.ts';
import { SessionController } from './session/session.controller.ts';
import { SessionGuard } from './session/session-guard.ts';

@Module({
  controllers: [SessionController, MetricsController, EventsController, SystemController, LiveController],
  providers: [Upstream, SessionGuard],
})
export class AppModule {}
