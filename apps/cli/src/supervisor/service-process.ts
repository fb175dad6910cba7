import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { DomainError } from '@millrace/kernel';
import type { Running } from './part.ts';

export interface ServiceCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly logFile: string;
}

/** Enough for a service to finish what is in flight; what then still runs is killed and recovers at the next start. */
const DRAIN_MS = 12_000;

let setprivFound: boolean | undefined;
const hasSetpriv = (): boolean => (setprivFound ??= spawnSync('setpriv', ['--version'], { stdio: 'ignore' }).status === 0);

/**
 * Starts a process whose output goes to its log file. It has a session of its own (Ctrl-C in the terminal reaches the supervisor
 * alone) and is killed by the kernel when the supervisor dies hard, where setpriv exists; otherwise the next start ends it.
 */
export const launchService = async (service: ServiceCommand): Promise<Running> => {
  const log = openSync(service.logFile, 'a', 0o600);
  const [command, args] = hasSetpriv() ? ['setpriv', ['--pdeathsig=KILL', service.command, ...service.args]] : [service.command, [...service.args]];
  const child = spawn(command, args, { cwd: service.cwd, env: { ...service.env }, stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  const exited = new Promise<number | string>((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code ?? 0)));
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new DomainError('unavailable', 'process-not-started', { name: service.name }, `${service.name} could not be started: ${error.message}`)));
  });
  return { pid: child.pid ?? 0, exited, stop: () => drain(child.kill.bind(child), exited) };
};

const drain = async (kill: (signal: NodeJS.Signals) => boolean, exited: Promise<unknown>): Promise<void> => {
  kill('SIGTERM');
  const force = setTimeout(() => kill('SIGKILL'), DRAIN_MS);
  await exited;
  clearTimeout(force);
};
