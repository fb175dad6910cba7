import { Module } from '@nestjs/common';
import { PgEventStore } from '@millrace/event-store';
import { Closing, CONFIG, loggableError, LOGGER, type Logger } from '@millrace/service-kit';
import type { BackboneConfig } from '../backbone.config.ts';
import { StoreModule } from '../event-log/store.module.ts';
import { CounterFold } from './counter-fold.ts';

@Module({
  imports: [StoreModule],
  providers: [{
    provide: CounterFold,
    inject: [PgEventStore, CONFIG, Closing, LOGGER],
    useFactory: (store: PgEventStore, config: BackboneConfig, closing: Closing, logger: Logger): CounterFold => {
      const fold = new CounterFold(() => store.compactCounts(), config.foldCountersMs, (error) => logger.warn({ error: loggableError(error) }, 'counters can not be folded'));
      closing.add('counters', () => fold.stop());
      fold.start();
      return fold;
    },
  }],
})
export class CountersModule {}
