import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { PgEventStore } from '@millrace/event-store';
import { LOGGER, Readiness, type Logger } from '@millrace/service-kit';
import { StoreModule } from '../event-log/store.module.ts';
import { ContractGate } from './contract-gate.ts';
import { ContractsController } from './contracts.controller.ts';

@Module({
  imports: [StoreModule], controllers: [ContractsController],
  providers: [{ provide: ContractGate, inject: [PgEventStore], useFactory: (store: PgEventStore) => new ContractGate(store) }],
})
export class ContractsModule implements OnModuleInit {
  constructor(@Inject(ContractGate) private readonly gate: ContractGate, @Inject(Readiness) private readonly readiness: Readiness, @Inject(LOGGER) private readonly logger: Logger) {}

  /** A break ends the start here, before anything listens. */
  async onModuleInit(): Promise<void> {
    const report = await this.gate.open();
    // The logs can't be read yet: not ready until they have been.
    if (!report) this.readiness.add('contracts', () => this.gate.passes());
    for (const { type, version, pointer, log, position } of report?.unfit ?? []) this.logger.warn({ type, version, pointer, log, position }, 'stored events do not fit their own contract');
  }
}
