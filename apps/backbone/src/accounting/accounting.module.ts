import { Module } from '@nestjs/common';
import { BusLink } from '@millrace/event-bus';
import { FactLog } from '@millrace/event-sourcing';
import { PgEventStore } from '@millrace/event-store';
import { Closing, CONFIG, LOGGER, METRICS, type Logger } from '@millrace/service-kit';
import { Gauge, type Registry } from 'prom-client';
import type { BackboneConfig } from '../backbone.config.ts';
import { StoreModule } from '../event-log/store.module.ts';
import { PeriodicTask } from '../periodic-task.ts';
import { askConsumers } from '../recovery/consumer-standing.ts';
import { DifferenceLog } from './difference-log.ts';
import { DifferencesController } from './differences.controller.ts';
import { Reconciler } from './reconciler.ts';
import { Reconciliation } from './reconciliation.ts';

const LABELS = ['tenant', 'kind'] as const;

const measure = (registry: Registry, reconciler: Reconciler): void => {
  const open: Gauge<(typeof LABELS)[number]> = new Gauge({
    name: 'millrace_accounting_differences', help: 'Counts that must agree and do not, told and not settled', labelNames: LABELS, registers: [registry],
    collect() {
      open.reset();
      for (const { tenant, kind } of reconciler.standing()) open.inc({ tenant, kind });
    },
  });
};

@Module({
  imports: [StoreModule],
  controllers: [DifferencesController],
  providers: [{
    provide: Reconciler, inject: [PgEventStore, FactLog, BusLink, CONFIG, Closing, LOGGER, METRICS],
    useFactory: (store: PgEventStore, facts: FactLog, link: BusLink, config: BackboneConfig, closing: Closing, logger: Logger, registry: Registry): Reconciler => {
      const reconciliation = new Reconciliation(store, link, () => askConsumers(link));
      const reconciler = new Reconciler({
        look: () => reconciliation.look(), told: new DifferenceLog(store, facts),
        tenants: async () => [...new Set((await store.heads()).map(({ tenant }) => tenant))],
        onFound: (difference) => logger.warn({ ...difference }, 'counts differ'),
        onSettled: (difference) => logger.info({ ...difference }, 'counts agree again'),
      });
      measure(registry, reconciler);
      const looks = new PeriodicTask(() => reconciler.turn(), config.reconcileMs, (error) => logger.warn({ err: error }, 'counts can not be compared'));
      closing.add('reconciler', () => looks.stop());
      looks.start();
      return reconciler;
    },
  }],
})
export class AccountingModule {}
