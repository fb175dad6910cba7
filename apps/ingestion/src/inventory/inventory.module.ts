import { Module } from '@nestjs/common';
import type { EventStore } from '@millrace/event-store';
import { STORE } from '../injection-tokens.ts';
import { PortsModule } from '../ports.module.ts';
import { StockController } from './stock.controller.ts';
import { StockReservation } from './stock-reservation.ts';

@Module({
  imports: [PortsModule],
  controllers: [StockController],
  providers: [{ provide: StockReservation, inject: [STORE], useFactory: (store: EventStore) => new StockReservation(store) }],
})
export class InventoryModule {}
