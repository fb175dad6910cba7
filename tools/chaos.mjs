// npm run chaos -- --cycles N --seed S [--power-cut] [--faults list]: the platform under faults; see docs/verification/chaos.md.
import { build, ensureInstalled, node, root, run } from './install.mjs';

ensureInstalled();
if (!build()) process.exit(1);
const done = run(node, ['--conditions=source', '--disable-warning=ExperimentalWarning', '--import', `${root}/tools/swc-hook.mjs`, `${root}/tests/chaos/main.ts`, ...process.argv.slice(2)]);
process.exit(done.status ?? 1);
