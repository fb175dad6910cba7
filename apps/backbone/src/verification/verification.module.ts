import { Module } from '@nestjs/common';
import { StoreModule } from '../event-log/store.module.ts';
import { LedgerModule } from '../ledger/ledger.module.ts';
import { VerificationController } from './verification.controller.ts';

@Module({ imports: [StoreModule, LedgerModule], controllers: [VerificationController] })
export class VerificationModule {}
