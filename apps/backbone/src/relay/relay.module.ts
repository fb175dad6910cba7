import { Module } from '@nestjs/common';
import type { Registry } from 'prom-client';
import { BusLink, Relay, type RelayStatus } from '@millrace/event-bus';
import { PgEventStore } from '@millrace/event-store';
import { Closing, CONFIG, LOGGER, METRICS, type Logger } from '@millrace/service-kit';
import type { BackboneConfig } from '../backbone.config.ts';
import { RefillController } from './refill.controller.ts';
import { measureRelay } from './relay-metrics.ts';
import { StoreModule } from '../event-log/store.module.ts';

/** A relay that waits with a reason met an outage; without one it was let go on. */
const levelOf = ({ state, reason }: RelayStatus): 'error' | 'warn' | 'info' => (state === 'diverged' ? 'error' : state === 'waiting' && reason !== undefined ? 'warn' : 'info');

@Module({
  imports: [StoreModule],
  controllers: [RefillController],
  providers: [{
    provide: Relay,
    inject: [PgEventStore, BusLink, CONFIG, Closing, LOGGER, METRICS],
    useFactory: (store: PgEventStore, link: BusLink, config: BackboneConfig, closing: Closing, logger: Logger, registry: Registry): Relay => {
      const relay = new Relay({
        reader: store, link, ownsStreams: true, limits: { maxBytes: config.streamMaxBytes, maxAgeMs: config.streamMaxAgeMs },
        onChange: (status) => logger[levelOf(status)]({ tenant: status.tenant, log: status.log, epoch: status.epoch, state: status.state, reason: status.reason }, 'relay state changed'),
        onError: (error) => logger.warn({ err: error }, 'heads can not be read'),
      });
      measureRelay(registry, relay, store);
      closing.add('relay', () => relay.stop());
      relay.start();
      return relay;
    },
  }],
  exports: [Relay],
})
export class RelayModule {}
