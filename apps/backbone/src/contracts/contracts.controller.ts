import { Controller, Get, Inject, Query } from '@nestjs/common';
import { Allow } from '@millrace/service-kit';
import { parseSample } from '../event-log/parameters.ts';
import { ContractGate, type GateReport } from './contract-gate.ts';

@Controller('v1/contracts')
export class ContractsController {
  constructor(@Inject(ContractGate) private readonly gate: ContractGate) {}

  /** Contracts against what was released, and against the newest events of each type. */
  @Get('check')
  @Allow('operator')
  check(@Query() query: unknown): Promise<GateReport> {
    return this.gate.report(parseSample(query));
  }
}
