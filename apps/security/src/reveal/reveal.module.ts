import { Module } from '@nestjs/common';
import type { EventStore } from '@millrace/event-store';
import { AuditLog } from '../audit/audit-log.ts';
import { AuditModule } from '../audit/audit.module.ts';
import { KeyRing } from '../keys/key-ring.ts';
import { KeysModule } from '../keys/keys.module.ts';
import { RevealController } from './reveal.controller.ts';
import { Reveal } from './reveal.ts';
import { EVENT_STORE } from '../injection-tokens.ts';

@Module({
  imports: [AuditModule, KeysModule],
  controllers: [RevealController],
  providers: [{ provide: Reveal, useFactory: (store: EventStore, keys: KeyRing, audit: AuditLog) => new Reveal(store, keys, audit), inject: [EVENT_STORE, KeyRing, AuditLog] }],
})
export class RevealModule {}
