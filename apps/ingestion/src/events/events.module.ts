import { Module } from '@nestjs/common';
import type { Registry } from 'prom-client';
import type { EventStore } from '@millrace/event-store';
import type { Clock } from '@millrace/kernel';
import type { SubjectKeyProvider } from '@millrace/privacy';
import { CLOCK, CONFIG, METRICS } from '@millrace/service-kit';
import type { IngestionConfig } from '../ingestion.config.ts';
import { KEYS, STORE } from '../injection-tokens.ts';
import { PortsModule } from '../ports.module.ts';
import { SourceKeys } from '../sources/source-keys.ts';
import { SourcesModule } from '../sources/sources.module.ts';
import { EventsController } from './events.controller.ts';
import { InFlight } from './in-flight.ts';
import { IntakeDesk } from './intake-desk.ts';

@Module({
  imports: [PortsModule, SourcesModule],
  controllers: [EventsController],
  providers: [{
    provide: IntakeDesk,
    inject: [CONFIG, METRICS, SourceKeys, STORE, KEYS, CLOCK],
    useFactory: (config: IngestionConfig, registry: Registry, sources: SourceKeys, store: EventStore, keys: SubjectKeyProvider, clock: Clock) => {
      const inFlight = new InFlight({ maxRequests: config.maxInFlightRequests, maxBytes: config.maxInFlightBytes }, registry);
      return new IntakeDesk(sources, { store, keys }, inFlight, clock, registry);
    },
  }],
})
export class EventsModule {}
