import { Module } from '@nestjs/common';
import { AccountingModule } from './accounting/accounting.module.ts';
import { ContractsModule } from './contracts/contracts.module.ts';
import { ArchiveModule } from './archive/archive.module.ts';
import { CountersModule } from './counters/counters.module.ts';
import { EventLogModule } from './event-log/event-log.module.ts';
import { SnapshotsModule } from './event-log/snapshots.module.ts';
import { FactsModule } from './facts/facts.module.ts';
import { LedgerModule } from './ledger/ledger.module.ts';
import { RecoveryModule } from './recovery/recovery.module.ts';
import { RelayModule } from './relay/relay.module.ts';
import { VerificationModule } from './verification/verification.module.ts';

@Module({ imports: [ContractsModule, EventLogModule, RelayModule, RecoveryModule, AccountingModule, CountersModule, LedgerModule, VerificationModule, FactsModule, ArchiveModule, SnapshotsModule] })
export class AppModule {}
