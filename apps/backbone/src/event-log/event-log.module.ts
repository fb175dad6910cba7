import { Module } from '@nestjs/common';
import { RelayModule } from '../relay/relay.module.ts';
import { AccountingController } from './accounting.controller.ts';
import { EventsController } from './events.controller.ts';
import { LogsController } from './logs.controller.ts';
import { StoreModule } from './store.module.ts';

@Module({ imports: [StoreModule, RelayModule], controllers: [LogsController, EventsController, AccountingController] })
export class EventLogModule {}
