import { Module } from '@nestjs/common';
import { BusLink } from '@millrace/event-bus';
import { FactLog } from '@millrace/event-sourcing';
import { PgEventStore } from '@millrace/event-store';
import { StoreModule } from '../event-log/store.module.ts';
import { askConsumers } from './consumer-standing.ts';
import { EvidenceCollector } from './evidence.ts';
import { RecoveryController } from './recovery.controller.ts';
import { Recovery } from './recovery.ts';

@Module({
  imports: [StoreModule],
  controllers: [RecoveryController],
  providers: [{
    provide: Recovery, inject: [PgEventStore, FactLog, BusLink],
    useFactory: (store: PgEventStore, facts: FactLog, link: BusLink) => new Recovery(store, facts, new EvidenceCollector(store, link, () => askConsumers(link))),
  }],
})
export class RecoveryModule {}
