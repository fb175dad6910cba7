import { Module } from '@nestjs/common';
import { PgEventStore } from '@millrace/event-store';
import { Closing, CONFIG, LOGGER, type Logger } from '@millrace/service-kit';
import type { BackboneConfig } from '../backbone.config.ts';
import { StoreModule } from '../event-log/store.module.ts';
import { PeriodicTask } from '../periodic-task.ts';

@Module({
  imports: [StoreModule],
  providers: [{
    provide: PeriodicTask,
    inject: [PgEventStore, CONFIG, Closing, LOGGER],
    useFactory: (store: PgEventStore, config: BackboneConfig, closing: Closing, logger: Logger): PeriodicTask => {
      // A fold that fails is made up for by the next: the deltas stay, and the sums are right with or without it.
      const fold = new PeriodicTask(() => store.compactCounts(), config.foldCountersMs, (error) => logger.warn({ err: error }, 'counters can not be folded'));
      closing.add('counters', () => fold.stop());
      fold.start();
      return fold;
    },
  }],
})
export class CountersModule {}
