// npm start: install, build, then `millrace up` with the arguments given after `--`.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { build, ensureInstalled, env, node, root } from './install.mjs';

ensureInstalled();
if (!build()) {
  process.stderr.write('millrace: the build failed; its messages are above.\n');
  process.exit(1);
}
const platform = spawn(node, [join(root, 'apps/cli/dist/main.js'), 'up', ...process.argv.slice(2)], { cwd: process.cwd(), stdio: 'inherit', env: env() });
// The terminal's Ctrl-C reaches the whole group: we only wait for the supervisor to drain. A signal sent to us alone is passed on.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => platform.kill('SIGTERM'));
platform.on('exit', (code, signal) => process.exit(signal ? 1 : code ?? 1));
