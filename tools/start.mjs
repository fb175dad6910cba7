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
// npm passes signals on to us alone (package.json has `exec`, so that no shell stands between), a terminal's Ctrl-C reaches the whole group: the
// supervisor drains at the first it hears and takes no notice of a second.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => platform.kill(signal));
platform.on('exit', (code, signal) => process.exit(signal ? 1 : code ?? 1));
