import { Module } from '@nestjs/common';
import { PgEventStore } from '@millrace/event-store';
import type { Clock } from '@millrace/kernel';
import { CLOCK, Closing, CONFIG, openEventStore, Readiness } from '@millrace/service-kit';
import { EVENT_STORE } from '../injection-tokens.ts';
import type { SecurityConfig } from '../security.config.ts';
import { AuditLog } from './audit-log.ts';

/** The event log, as security reads customers and writes what people did. */
@Module({
  providers: [
    {
      provide: EVENT_STORE,
      inject: [CONFIG, Closing, Readiness],
      useFactory: (config: SecurityConfig, closing: Closing, readiness: Readiness): PgEventStore => openEventStore(config, { service: 'security', closing, readiness }),
    },
    { provide: AuditLog, useFactory: (store: PgEventStore, clock: Clock) => new AuditLog(store, clock), inject: [EVENT_STORE, CLOCK] },
  ],
  exports: [AuditLog, EVENT_STORE],
})
export class AuditModule {}
