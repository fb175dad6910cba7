import { Controller, Get, Inject, Query } from '@nestjs/common';
import { optionalTenant } from '../event-log/parameters.ts';
import { LedgerKeeper } from './ledger-keeper.ts';
import { LedgerKeys } from './ledger-keys.ts';
import type { LedgerStatus } from './log-ledger.ts';

@Controller('v1/ledger')
export class LedgerController {
  constructor(@Inject(LedgerKeeper) private readonly keeper: LedgerKeeper, @Inject(LedgerKeys) private readonly keys: LedgerKeys) {}

  /** The public keys, and per log how far its tree is signed and cosigned. */
  @Get()
  ledger(@Query() query: unknown): { key: string; witnessKey: string; logs: LedgerStatus[] } {
    const tenant = optionalTenant(query);
    const { log, witness } = this.keys.trusted;
    return { key: log.toString(), witnessKey: witness.toString(), logs: this.keeper.status().filter((status) => tenant === undefined || status.tenant === tenant) };
  }
}
