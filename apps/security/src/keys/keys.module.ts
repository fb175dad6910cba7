import { Module } from '@nestjs/common';
import { Closing, CONFIG, LOGGER, Readiness, readSecretFile, type Logger } from '@millrace/service-kit';
import { fromCurveSeed } from '@nats-io/nkeys';
import type { SecurityConfig } from '../security.config.ts';
import { KeyAnswers } from './key-answers.ts';
import { openKeyDatabase } from './key-database.ts';
import { KeyRequestController } from './key-request.controller.ts';
import { KeyRing } from './key-ring.ts';
import { readRootKey } from './root-key.ts';

const openKeyRing = async (config: SecurityConfig, logger: Logger, readiness: Readiness, closing: Closing): Promise<KeyRing> => {
  const rootKey = await readRootKey(config.rootKeyFile);
  const pool = await openKeyDatabase(config.keysUrl, (error) => logger.warn({ err: error }, 'key database connection lost'));
  closing.add('key database', () => pool.end());
  readiness.add('keys', () => pool.query('select 1'));
  const ring = new KeyRing(pool, rootKey);
  await ring.verifyRootKey();
  return ring;
};

/** Subject references and data keys, for services that ask over NATS and for reveals. */
@Module({
  controllers: [KeyRequestController],
  providers: [
    { provide: KeyRing, useFactory: openKeyRing, inject: [CONFIG, LOGGER, Readiness, Closing] },
    {
      provide: KeyAnswers,
      useFactory: async (ring: KeyRing, config: SecurityConfig, logger: Logger) =>
        new KeyAnswers(ring, { own: fromCurveSeed(Buffer.from(await readSecretFile(config.xkeySeedFile))), callers: config.xkeys }, logger),
      inject: [KeyRing, CONFIG, LOGGER],
    },
  ],
  exports: [KeyRing],
})
export class KeysModule {}
