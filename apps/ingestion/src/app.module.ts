import { Module } from '@nestjs/common';
import { OpenApiController } from './api-description/openapi.controller.ts';
import { EventsModule } from './events/events.module.ts';
import { InventoryModule } from './inventory/inventory.module.ts';
import { RejectsModule } from './rejects/rejects.module.ts';
import { SourcesModule } from './sources/sources.module.ts';

@Module({ imports: [EventsModule, SourcesModule, RejectsModule, InventoryModule], controllers: [OpenApiController] })
export class AppModule {}
