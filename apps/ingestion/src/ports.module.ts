import { Module } from '@nestjs/common';
import type { Registry } from 'prom-client';
import { ask, BusLink } from '@millrace/event-bus';
import type { PgEventStore } from '@millrace/event-store';
import { CachedSubjectKeys, NatsSubjectKeyProvider, type SubjectKeyProvider } from '@millrace/privacy';
import { Closing, CONFIG, METRICS, openEventStore, readSecretFile, Readiness } from '@millrace/service-kit';
import type { IngestionConfig } from './ingestion.config.ts';
import { KEYS, STORE } from './injection-tokens.ts';

/** What ingestion asks of the world: the event store with its own role, and subject keys from security over NATS. */
@Module({
  providers: [
    {
      provide: STORE,
      inject: [CONFIG, Closing, Readiness, METRICS],
      useFactory: (config: IngestionConfig, closing: Closing, readiness: Readiness, metrics: Registry): PgEventStore => openEventStore(config, { service: 'ingestion', closing, readiness, metrics }),
    },
    {
      provide: KEYS,
      inject: [CONFIG, BusLink],
      useFactory: async (config: IngestionConfig, link: BusLink): Promise<SubjectKeyProvider> => {
        const identity = { seed: await readSecretFile(config.xkeySeedFile), securityXkey: config.securityXkey };
        return new CachedSubjectKeys(new NatsSubjectKeyProvider({ ask: (subject, bytes) => ask(link, subject, bytes) }, identity));
      },
    },
  ],
  exports: [STORE, KEYS],
})
export class PortsModule {}
