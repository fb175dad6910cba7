import { access, constants } from 'node:fs/promises';
import { Module } from '@nestjs/common';
import type { Clock } from '@millrace/kernel';
import { SigningKey, WITNESS_KEY_NAME } from '@millrace/ledger';
import { CLOCK, CONFIG, LOGGER, readSecretFile, Readiness, type Logger } from '@millrace/service-kit';
import type { WitnessConfig } from './witness.config.ts';
import { WitnessController } from './witness.controller.ts';
import { WitnessState } from './witness-state.ts';
import { Witness } from './witness.ts';

@Module({
  controllers: [WitnessController],
  providers: [
    { provide: WitnessState, inject: [CONFIG], useFactory: (config: WitnessConfig) => WitnessState.open(config.stateDir) },
    {
      provide: Witness, inject: [CONFIG, WitnessState, LOGGER, CLOCK, Readiness],
      useFactory: async (config: WitnessConfig, state: WitnessState, logger: Logger, clock: Clock, readiness: Readiness): Promise<Witness> => {
        const key = SigningKey.fromSeedText(WITNESS_KEY_NAME, 'witness', await readSecretFile(config.seedFile));
        // What it can't remember it may not cosign.
        readiness.add('state', () => access(config.stateDir, constants.W_OK));
        logger.info({ key: key.verifier.toString(), origins: state.all().length }, 'witness ready');
        return new Witness(state, key, config.logKeys, clock);
      },
    },
  ],
})
export class WitnessModule {}
