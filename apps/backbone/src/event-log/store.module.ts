import { Module } from '@nestjs/common';
import { FactLog } from '@millrace/event-sourcing';
import { PgEventStore } from '@millrace/event-store';
import { Closing, CONFIG, openEventStore, Readiness } from '@millrace/service-kit';
import type { BackboneConfig } from '../backbone.config.ts';

@Module({
  providers: [{
    provide: PgEventStore,
    inject: [CONFIG, Closing, Readiness],
    useFactory: (config: BackboneConfig, closing: Closing, readiness: Readiness): PgEventStore => openEventStore(config, { service: 'backbone', closing, readiness, poolSize: 8 }),
  }, { provide: FactLog, inject: [PgEventStore], useFactory: (store: PgEventStore) => new FactLog(store, 'backbone') }],
  exports: [PgEventStore, FactLog],
})
export class StoreModule {}
