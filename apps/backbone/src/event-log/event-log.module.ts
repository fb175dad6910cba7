import { Module } from '@nestjs/common';
import { FactLog } from '@millrace/event-sourcing';
import { PgEventStore } from '@millrace/event-store';
import { RelayModule } from '../relay/relay.module.ts';
import { AccountingController } from './accounting.controller.ts';
import { EventsController } from './events.controller.ts';
import { LogsController } from './logs.controller.ts';
import { RejectsController } from './rejects.controller.ts';
import { ShardCount } from './shard-count.ts';
import { ShardsController } from './shards.controller.ts';
import { StoreModule } from './store.module.ts';
import { StreamsController } from './streams.controller.ts';

@Module({
  imports: [StoreModule, RelayModule], controllers: [LogsController, ShardsController, EventsController, StreamsController, AccountingController, RejectsController],
  providers: [{ provide: ShardCount, inject: [PgEventStore, FactLog], useFactory: (store: PgEventStore, facts: FactLog) => new ShardCount(store, facts) }],
})
export class EventLogModule {}
