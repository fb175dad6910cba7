import { readVerifierKey, verdictLine, verifyOffline } from '@millrace/ledger/offline';
import { positionBar } from '../ledger/position-bar.ts';
import { present } from '../output/terminal.ts';
import type { Register } from './command-context.ts';

interface VerifyOptions { readonly key: string; readonly witnessKey?: string; readonly json?: boolean }

/** Needs no platform: whoever was handed a proof or an export has none. */
export const registerVerify: Register = (program, { terminal }) => {
  program.command('verify <export-or-proof>').description('check an export or a proof with nothing but public keys')
    .requiredOption('--key <key>', 'the log\'s verifier key, or the file that holds it')
    .option('--witness-key <key>', 'the witness\'s: then only a cosigned checkpoint is good enough')
    .option('--json', 'one JSON document on standard output and nothing else there')
    .action(async (path: string, { key, witnessKey, json }: VerifyOptions) => {
      const witness = witnessKey === undefined ? {} : { witness: await readVerifierKey(witnessKey, 'witness') };
      const bar = positionBar(terminal.progress, 'verifying');
      try {
        const verdict = await verifyOffline(path, { log: await readVerifierKey(key, 'log'), ...witness }, (done, total) => bar.at(path, done, total));
        bar.stop();
        present(terminal, json === true, verdict, () => verdictLine(verdict));
      } finally {
        bar.stop();
      }
    });
};
