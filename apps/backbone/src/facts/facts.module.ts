import { Module } from '@nestjs/common';
import { StoreModule } from '../event-log/store.module.ts';
import { FactsController } from './facts.controller.ts';

@Module({ imports: [StoreModule], controllers: [FactsController] })
export class FactsModule {}
