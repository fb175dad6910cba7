// npm run tamper -- [--alterations N] [--seed S] [--json]: alters a cosigned log in every way and counts what verification finds; see docs/verification/ledger.md.
import { ensureInstalled, node, root, run } from './install.mjs';

ensureInstalled();
const done = run(node, ['--conditions=source', '--disable-warning=ExperimentalWarning', '--import', `${root}/tools/swc-hook.mjs`, `${root}/tests/tamper/main.ts`, ...process.argv.slice(2)]);
process.exit(done.status ?? 1);
