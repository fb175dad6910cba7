import { Module } from '@nestjs/common';
import { Gauge, type Registry } from 'prom-client';
import { PgEventStore, PgLedgerStore } from '@millrace/event-store';
import { LOG_KEY_NAME, SigningKey } from '@millrace/ledger';
import { Closing, CONFIG, LOGGER, METRICS, readSecretFile, type Logger } from '@millrace/service-kit';
import type { BackboneConfig } from '../backbone.config.ts';
import { StoreModule } from '../event-log/store.module.ts';
import { ExportController } from './export.controller.ts';
import { LeafMirror } from './leaf-mirror.ts';
import { LedgerKeeper } from './ledger-keeper.ts';
import { LedgerController } from './ledger.controller.ts';
import { LedgerKeys } from './ledger-keys.ts';
import type { LedgerStatus } from './log-ledger.ts';
import { WitnessClient } from './witness-client.ts';

const LABELS = ['tenant', 'log'] as const;

const measure = (registry: Registry, status: () => LedgerStatus[]): void => {
  const gauge = (name: string, help: string, value: (log: LedgerStatus) => number): void => {
    const made: Gauge<(typeof LABELS)[number]> = new Gauge({
      name, help, labelNames: LABELS, registers: [registry],
      collect: () => { for (const log of status()) made.set({ tenant: log.tenant, log: log.log }, value(log)); },
    });
  };
  gauge('millrace_ledger_lag_events', 'Committed events not yet in a signed checkpoint', (log) => Math.max(0, log.head - log.size));
  gauge('millrace_ledger_uncosigned_events', 'Committed events not yet in a checkpoint the witness cosigned', (log) => Math.max(0, log.head - log.cosigned));
  gauge('millrace_ledger_diverged', '1 while a log\'s tree stands still because the log contradicts what was signed', (log) => (log.state === 'diverged' ? 1 : 0));
};

@Module({
  imports: [StoreModule],
  controllers: [LedgerController, ExportController],
  providers: [
    { provide: LeafMirror, inject: [CONFIG], useFactory: (config: BackboneConfig) => new LeafMirror(config.ledgerDir) },
    { provide: WitnessClient, inject: [CONFIG], useFactory: (config: BackboneConfig) => new WitnessClient(config.witnessUrl) },
    {
      provide: LedgerKeys, inject: [CONFIG],
      useFactory: async (config: BackboneConfig) => new LedgerKeys(SigningKey.fromSeedText(LOG_KEY_NAME, 'log', await readSecretFile(config.ledgerSeedFile)), config.witnessKey),
    },
    {
      provide: PgLedgerStore, inject: [CONFIG, Closing],
      useFactory: (config: BackboneConfig, closing: Closing): PgLedgerStore => {
        const store = PgLedgerStore.connect({ url: config.eventsUrl, applicationName: 'backbone-ledger' });
        closing.add('ledger-store', () => store.close());
        return store;
      },
    },
    {
      provide: LedgerKeeper, inject: [PgEventStore, PgLedgerStore, LeafMirror, LedgerKeys, WitnessClient, Closing, LOGGER, METRICS],
      useFactory: (events: PgEventStore, store: PgLedgerStore, mirror: LeafMirror, keys: LedgerKeys, client: WitnessClient, closing: Closing, logger: Logger, registry: Registry): LedgerKeeper => {
        const keeper = new LedgerKeeper({
          store, mirror, key: keys.signing, witness: { client, keys: keys.trusted }, heads: () => events.heads(),
          onChange: (status) => logger[status.state === 'diverged' ? 'error' : 'info']({ ...status }, 'ledger state changed'),
          onError: (error) => logger.warn({ err: error }, 'ledger can not go on'),
        });
        measure(registry, () => keeper.status());
        closing.add('ledger', () => keeper.stop());
        keeper.start();
        return keeper;
      },
    },
  ],
  exports: [PgLedgerStore, LeafMirror, LedgerKeys, WitnessClient],
})
export class LedgerModule {}
