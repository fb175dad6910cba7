import { setTimeout as pause } from 'node:timers/promises';
import { DomainError } from '@millrace/kernel';
import { connectPlatform } from '../client/platform-client.ts';
import { homeAt } from '../home/home.ts';
import { lockHolder } from '../home/lock.ts';
import { present } from '../output/terminal.ts';
import { endLeftovers } from '../supervisor/leftover.ts';
import { withTenant, type CommandContext, type Register } from './command-context.ts';

/** Ten processes may take their whole grace, one after the other. */
const STOPPED_WITHIN_MS = 180_000;

const stopPlatform = async ({ config }: CommandContext): Promise<string> => {
  const home = homeAt(config.home);
  const holder = lockHolder(home);
  if (holder === undefined) {
    const left = await endLeftovers(home);
    return left === 0 ? 'was not running' : `the supervisor was gone; ended ${left} processes it had left behind`;
  }
  // Over the endpoint first; a supervisor that doesn't answer still takes the signal.
  await connectPlatform(config.home).call('supervisor', '/v1/stop', { method: 'POST', timeoutMs: 5000 }).catch(() => process.kill(holder.pid, 'SIGTERM'));
  const deadline = Date.now() + STOPPED_WITHIN_MS;
  while (lockHolder(home) !== undefined) {
    if (Date.now() > deadline) throw new DomainError('unavailable', 'stop-timed-out', { pid: holder.pid }, `the supervisor (process ${holder.pid}) has not ended within three minutes: kill -9 it, the next start recovers`);
    await pause(100);
  }
  return 'stopped';
};

export const registerStop: Register = (program, context) => {
  withTenant(program.command('stop').description('drain and end the platform, for every tenant'))
    .action(async ({ json }: { json?: boolean }) => {
      const outcome = await stopPlatform(context);
      present(context.terminal, json === true, { outcome }, () => outcome);
    });
};
