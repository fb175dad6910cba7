import { Module } from '@nestjs/common';
import { Gauge, type Registry } from 'prom-client';
import { PgEventStore } from '@millrace/event-store';
import { Closing, CONFIG, LOGGER, METRICS, type Logger } from '@millrace/service-kit';
import type { BackboneConfig } from '../backbone.config.ts';
import { PeriodicTask } from '../periodic-task.ts';
import { SnapshotWatch } from './snapshot-watch.ts';
import { SnapshotsController } from './snapshots.controller.ts';
import { StoreModule } from './store.module.ts';

/** A look is one row of a system view. */
const LOOK_MS = 5_000;

@Module({
  imports: [StoreModule],
  controllers: [SnapshotsController],
  providers: [{
    provide: SnapshotWatch,
    inject: [PgEventStore, CONFIG, Closing, LOGGER, METRICS],
    useFactory: (store: PgEventStore, config: BackboneConfig, closing: Closing, logger: Logger, registry: Registry): SnapshotWatch => {
      const gauge = new Gauge({ name: 'millrace_event_database_oldest_snapshot_seconds', help: 'Age of the oldest open snapshot on the event database', registers: [registry] });
      const watch = new SnapshotWatch(() => store.oldestSnapshot(), config.snapshotAlertMs, ({ alert, ...standing }) => {
        if (alert) logger.warn(standing, 'an old snapshot keeps dead rows of the event database from being removed');
        else logger.info(standing, 'the old snapshot on the event database is gone');
      });
      const turns = new PeriodicTask(async () => gauge.set((await watch.look()).snapshotSeconds), LOOK_MS, (error) => logger.warn({ err: error }, 'the oldest snapshot can not be read'));
      closing.add('snapshots', () => turns.stop());
      turns.start();
      return watch;
    },
  }],
})
export class SnapshotsModule {}
