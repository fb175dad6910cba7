import { z } from 'zod';
import { VerifierKey } from '@millrace/ledger';
import { defineConfig, setting, type ConfigOf } from '@millrace/service-kit';

/** A list of verifier keys; what is wrong with one is told without repeating it. */
export const verifierKeys: z.ZodType<readonly VerifierKey[]> = z.string().transform((text, context) => text.split(',').flatMap((one): VerifierKey[] => {
  try {
    return [VerifierKey.parse(one)];
  } catch (error) {
    context.issues.push({ code: 'custom', message: error instanceof Error ? error.message : 'malformed', input: '' });
    return [];
  }
}));

export const witnessConfig = defineConfig('witness', {
  seedFile: setting('MILLRACE_WITNESS_SEED_FILE', z.string(), 'file (0600) with the witness\'s Ed25519 seed: 64 hex digits'),
  stateDir: setting('MILLRACE_WITNESS_DIR', z.string(), 'folder where the witness remembers what it cosigned; on another disk than the log where there is one'),
  logKeys: setting('MILLRACE_WITNESS_LOG_KEYS', verifierKeys, 'verifier keys of the logs it witnesses: <name>+<id>+<key>,…'),
});
export type WitnessConfig = ConfigOf<typeof witnessConfig>;
