import { Module } from '@nestjs/common';
import type { Registry } from 'prom-client';
import type { PgEventStore } from '@millrace/event-store';
import { takeRequest } from '@millrace/intake';
import type { Clock } from '@millrace/kernel';
import type { SubjectKeyProvider } from '@millrace/privacy';
import { CLOCK, Closing, CONFIG, LOGGER, METRICS, type Logger } from '@millrace/service-kit';
import type { IngestionConfig } from '../ingestion.config.ts';
import { KEYS, STORE } from '../injection-tokens.ts';
import { PortsModule } from '../ports.module.ts';
import { SourceKeys } from '../sources/source-keys.ts';
import { SourcesModule } from '../sources/sources.module.ts';
import { EventsController } from './events.controller.ts';
import { InFlight } from './in-flight.ts';
import { IntakeDesk, type TakeRequest } from './intake-desk.ts';
import { IntakeThreads } from './intake-threads.ts';

const onThreads = ({ threads, clockOffsetMs }: IngestionConfig, store: PgEventStore, keys: SubjectKeyProvider, closing: Closing, logger: Logger): TakeRequest => {
  const pool = new IntakeThreads(store, keys, { threads, clockOffsetMs, onError: (error) => { logger.error({ err: error }, 'an intake thread ended unexpectedly'); } });
  closing.add('intake threads', () => pool.close());
  return (request, delivery) => pool.take(request, delivery);
};

@Module({
  imports: [PortsModule, SourcesModule],
  controllers: [EventsController],
  providers: [{
    provide: IntakeDesk,
    inject: [CONFIG, METRICS, SourceKeys, STORE, KEYS, CLOCK, Closing, LOGGER],
    useFactory: (config: IngestionConfig, registry: Registry, sources: SourceKeys, store: PgEventStore, keys: SubjectKeyProvider, clock: Clock, closing: Closing, logger: Logger) => {
      const inFlight = new InFlight({ maxRequests: config.maxInFlightRequests, maxBytes: config.maxInFlightBytes }, registry);
      const small: TakeRequest = (request, delivery) => takeRequest({ store, keys }, request, delivery);
      return new IntakeDesk(sources, { small, large: config.threads === 0 ? small : onThreads(config, store, keys, closing, logger), largeBytes: config.threadBytes }, inFlight, clock, registry);
    },
  }],
})
export class EventsModule {}
