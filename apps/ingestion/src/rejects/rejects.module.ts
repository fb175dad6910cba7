import { Module } from '@nestjs/common';
import { PortsModule } from '../ports.module.ts';
import { AccountingController } from './accounting.controller.ts';
import { RejectsController } from './rejects.controller.ts';

@Module({ imports: [PortsModule], controllers: [RejectsController, AccountingController] })
export class RejectsModule {}
