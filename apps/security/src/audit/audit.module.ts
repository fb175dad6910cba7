import { Module } from '@nestjs/common';
import { PgEventStore } from '@millrace/event-store';
import { systemClock, type Clock } from '@millrace/kernel';
import { Closing, CONFIG, openEventStore, Readiness } from '@millrace/service-kit';
import { CLOCK, EVENT_STORE } from '../injection-tokens.ts';
import type { SecurityConfig } from '../security.config.ts';
import { AuditLog } from './audit-log.ts';

/** The event log, as security reads customers and writes what people did, and the clock. */
@Module({
  providers: [
    { provide: CLOCK, useValue: systemClock },
    {
      provide: EVENT_STORE,
      inject: [CONFIG, Closing, Readiness],
      useFactory: (config: SecurityConfig, closing: Closing, readiness: Readiness): PgEventStore => openEventStore(config, { service: 'security', closing, readiness }),
    },
    { provide: AuditLog, useFactory: (store: PgEventStore, clock: Clock) => new AuditLog(store, clock), inject: [EVENT_STORE, CLOCK] },
  ],
  exports: [AuditLog, EVENT_STORE, CLOCK],
})
export class AuditModule {}
