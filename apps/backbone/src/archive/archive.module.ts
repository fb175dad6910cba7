import { Module } from '@nestjs/common';
import { FactLog } from '@millrace/event-sourcing';
import { PgEventStore } from '@millrace/event-store';
import { StoreModule } from '../event-log/store.module.ts';
import { ArchiveController } from './archive.controller.ts';
import { RangeArchive } from './range-archive.ts';

@Module({
  imports: [StoreModule],
  controllers: [ArchiveController],
  providers: [{ provide: RangeArchive, inject: [PgEventStore, FactLog], useFactory: (store: PgEventStore, facts: FactLog) => new RangeArchive(store, facts) }],
})
export class ArchiveModule {}
