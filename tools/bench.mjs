// npm run bench -- <name…> [--quick]: side-by-side measurements; see docs/benchmarks.md.
import { ensureInstalled, node, root, run } from './install.mjs';

ensureInstalled();
const done = run(node, ['--conditions=source', '--disable-warning=ExperimentalWarning', '--import', `${root}/tools/swc-hook.mjs`, `${root}/tests/load/main.ts`, ...process.argv.slice(2)]);
process.exit(done.status ?? 1);
