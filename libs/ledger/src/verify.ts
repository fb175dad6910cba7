import { parseArgs } from 'node:util';
import { readVerifierKey, verdictLine, verifyOffline } from './offline.ts';

// node libs/ledger/bin/verify.mjs <export|proof> --key <text or file> [--witness-key <text or file>]
// For whoever has an export or a proof and the public keys, and nothing of Millrace running. Exit code 0 only when it holds.

const USAGE = 'usage: verify.mjs <export folder or proof file> --key <the log\'s verifier key or its file> [--witness-key <the witness\'s>]';

try {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { key: { type: 'string' }, 'witness-key': { type: 'string' } } });
  const [path] = positionals;
  if (path === undefined || values.key === undefined || positionals.length > 1) throw new Error(USAGE);
  const witness = values['witness-key'] === undefined ? {} : { witness: await readVerifierKey(values['witness-key'], 'witness') };
  process.stdout.write(`${verdictLine(await verifyOffline(path, { log: await readVerifierKey(values.key, 'log'), ...witness }))}\n`);
} catch (error) {
  process.stderr.write(`verify: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
