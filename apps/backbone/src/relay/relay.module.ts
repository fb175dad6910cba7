import { Module } from '@nestjs/common';
import { Gauge, type Registry } from 'prom-client';
import { BusLink, Relay, type RelayStatus } from '@millrace/event-bus';
import { PgEventStore } from '@millrace/event-store';
import { Closing, CONFIG, LOGGER, METRICS, type Logger } from '@millrace/service-kit';
import type { BackboneConfig } from '../backbone.config.ts';
import { RefillController } from './refill.controller.ts';
import { StoreModule } from '../event-log/store.module.ts';

/** A relay that waits with a reason met an outage; without one it was let go on. */
const levelOf = ({ state, reason }: RelayStatus): 'error' | 'warn' | 'info' => (state === 'diverged' ? 'error' : state === 'waiting' && reason !== undefined ? 'warn' : 'info');

const LABELS = ['tenant', 'log'] as const;

/** Lag in events and whether a log's relay stands still as diverged, read when Prometheus asks. */
const measureRelay = (registry: Registry, status: () => RelayStatus[]): void => {
  const gauge = (name: string, help: string, value: (log: RelayStatus) => number): void => {
    const made: Gauge<(typeof LABELS)[number]> = new Gauge({
      name, help, labelNames: LABELS, registers: [registry],
      collect: () => { for (const log of status()) made.set({ tenant: log.tenant, log: log.log }, value(log)); },
    });
  };
  gauge('relay_lag_events', 'Committed events not yet on the bus', (log) => Math.max(0, log.head - log.relayed));
  gauge('relay_diverged', '1 while a log\'s relay stands still because log and stream differ', (log) => (log.state === 'diverged' ? 1 : 0));
};

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
      measureRelay(registry, () => relay.status());
      closing.add('relay', () => relay.stop());
      relay.start();
      return relay;
    },
  }],
  exports: [Relay],
})
export class RelayModule {}
