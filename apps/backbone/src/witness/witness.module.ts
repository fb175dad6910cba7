import { Module } from '@nestjs/common';
import { systemClock } from '@millrace/kernel';
import { SigningKey, WITNESS_KEY_NAME } from '@millrace/ledger';
import { CONFIG, LOGGER, readSecretFile, type Logger } from '@millrace/service-kit';
import type { WitnessConfig } from './witness.config.ts';
import { WitnessController } from './witness.controller.ts';
import { WitnessState } from './witness-state.ts';
import { Witness } from './witness.ts';

@Module({
  controllers: [WitnessController],
  providers: [
    { provide: WitnessState, inject: [CONFIG], useFactory: (config: WitnessConfig) => WitnessState.open(config.stateDir) },
    {
      provide: Witness, inject: [CONFIG, WitnessState, LOGGER],
      useFactory: async (config: WitnessConfig, state: WitnessState, logger: Logger): Promise<Witness> => {
        const key = SigningKey.fromSeedText(WITNESS_KEY_NAME, 'witness', await readSecretFile(config.seedFile));
        logger.info({ key: key.verifier.toString(), origins: state.all().length }, 'witness ready');
        return new Witness(state, key, config.logKeys, systemClock);
      },
    },
  ],
})
export class WitnessModule {}
