import { Module } from '@nestjs/common';
import { FactLog } from '@millrace/event-sourcing';
import type { EventStore } from '@millrace/event-store';
import type { Clock } from '@millrace/kernel';
import { CLOCK } from '@millrace/service-kit';
import { AuditModule } from '../audit/audit.module.ts';
import { EVENT_STORE } from '../injection-tokens.ts';
import { RedactionController } from './redaction.controller.ts';
import { Redaction } from './redaction.ts';

@Module({
  imports: [AuditModule],
  controllers: [RedactionController],
  providers: [{ provide: Redaction, useFactory: (store: EventStore, clock: Clock) => new Redaction(store, new FactLog(store, 'security', clock)), inject: [EVENT_STORE, CLOCK] }],
})
export class RedactionModule {}
