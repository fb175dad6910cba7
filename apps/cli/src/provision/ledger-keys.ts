import { LOG_KEY_NAME, SigningKey, WITNESS_KEY_NAME } from '@millrace/ledger';
import type { Home } from '../home/home.ts';
import { readIfThere, writePrivate } from '../home/private-file.ts';
import { ledgerSeed, secretPath } from '../home/secret.ts';

/** What backbone signs checkpoints with and the witness cosigns them with, and where the two keep their memory. */
export interface LedgerKeys {
  readonly logKey: string;
  readonly logSeedFile: string;
  readonly witnessKey: string;
  readonly witnessSeedFile: string;
  readonly mirrorDir: string;
  readonly witnessDir: string;
}

/** Public keys are for giving away: with them anybody verifies an export or a proof. */
const publish = (home: Home, name: string, key: string): void => {
  const path = home.path('ledger', name);
  if (readIfThere(path)?.trim() !== key) writePrivate(path, `${key}\n`);
};

/** Makes the seeds that are missing; writes the public keys to `ledger/ledger.pub` and `ledger/witness.pub`. */
export const ledgerKeys = (home: Home): LedgerKeys => {
  const logKey = SigningKey.fromSeedText(LOG_KEY_NAME, 'log', ledgerSeed(home, 'ledger')).verifier.toString();
  const witnessKey = SigningKey.fromSeedText(WITNESS_KEY_NAME, 'witness', ledgerSeed(home, 'witness')).verifier.toString();
  publish(home, 'ledger.pub', logKey);
  publish(home, 'witness.pub', witnessKey);
  return {
    logKey, witnessKey, logSeedFile: secretPath(home, 'ledger.seed'), witnessSeedFile: secretPath(home, 'witness.seed'),
    mirrorDir: home.path('ledger', 'leaves'), witnessDir: home.path('witness'),
  };
};
