import { Module } from '@nestjs/common';
import { Readiness } from '@millrace/service-kit';
import { EventsController } from './upstream/events.controller.ts';
import { LiveController } from './upstream/live.controller.ts';
import { MetricsController } from './upstream/metrics.controller.ts';
import { SystemController } from './upstream/system.controller.ts';
import { Upstream } from './upstream/upstream.ts';
import { SessionController } from './session/session.controller.ts';
import { SessionGuard } from './session/session-guard.ts';

@Module({
  controllers: [SessionController, MetricsController, EventsController, SystemController, LiveController],
  // Without security nobody can be let in, nor is known who is.
  providers: [Upstream, SessionGuard, { provide: 'security-check', inject: [Readiness, Upstream], useFactory: (readiness: Readiness, upstream: Upstream) => readiness.add('security', () => upstream.json('security', '/live')) }],
})
export class AppModule {}
