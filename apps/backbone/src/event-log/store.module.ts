import { Module } from '@nestjs/common';
import { FactLog } from '@millrace/event-sourcing';
import { PgEventStore } from '@millrace/event-store';
import type { Clock } from '@millrace/kernel';
import { CLOCK, Closing, CONFIG, openEventStore, Readiness } from '@millrace/service-kit';
import type { BackboneConfig } from '../backbone.config.ts';

@Module({
  providers: [{
    provide: PgEventStore,
    inject: [CONFIG, Closing, Readiness],
    useFactory: (config: BackboneConfig, closing: Closing, readiness: Readiness): PgEventStore => openEventStore(config, { service: 'backbone', closing, readiness, poolSize: 8 }),
  }, { provide: FactLog, inject: [PgEventStore, CLOCK], useFactory: (store: PgEventStore, clock: Clock) => new FactLog(store, 'backbone', clock) }],
  exports: [PgEventStore, FactLog],
})
export class StoreModule {}
