// npm run bench [-- <name…>] [--quick]: side-by-side measurements; see docs/benchmarks.md.
import { build, ensureInstalled, node, root, run } from './install.mjs';

ensureInstalled();
// Some of them start the platform, which runs what is built.
if (!build()) process.exit(1);
const done = run(node, ['--conditions=source', '--disable-warning=ExperimentalWarning', '--import', `${root}/tools/swc-hook.mjs`, `${root}/tests/load/main.ts`, ...process.argv.slice(2)]);
process.exit(done.status ?? 1);
