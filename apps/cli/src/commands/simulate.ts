import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { DomainError } from '@millrace/kernel';
import { connectPlatform } from '../client/platform-client.ts';
import { ownSourceKey } from '../client/source-keys.ts';
import { homeAt } from '../home/home.ts';
import { objectTable } from '../output/table.ts';
import { present } from '../output/terminal.ts';
import { nodeCommand } from '../supervisor/service-part.ts';
import { simulatorEnvironment, simulatorSource } from '../supervisor/simulator-part.ts';
import { nkeyOf } from '../home/secret.ts';
import { untilInterrupted } from './interruption.ts';
import { withTenant, type CommandContext, type Register, type TenantOptions } from './command-context.ts';
import { parseCount, parseDuration } from './option-value.ts';

interface SimulateOptions extends TenantOptions {
  readonly rate: number;
  readonly seed: number;
  readonly for?: number;
  readonly manifest?: string;
  readonly journal?: string;
}

const simulatorArgs = (options: SimulateOptions): string[] => [
  '--tenant', options.tenant, '--rate', String(options.rate), '--seed', String(options.seed),
  ...(options.for === undefined ? [] : ['--for', `${options.for}ms`]),
  ...(options.manifest === undefined ? [] : ['--manifest', resolve(options.manifest)]),
  ...(options.journal === undefined ? [] : ['--journal', resolve(options.journal)]),
];

/** Runs the simulator to its end; its progress goes to standard error, its last line of standard output is its report. */
const runSimulator = async ({ config }: CommandContext, options: SimulateOptions): Promise<Record<string, unknown>> => {
  const home = homeAt(config.home);
  const client = connectPlatform(config.home);
  await ownSourceKey(client, home, simulatorSource(options.tenant));
  const { command, args, cwd } = nodeCommand(config.workspace, 'simulator', 'main', simulatorArgs(options));
  const env = simulatorEnvironment({
    inherited: config.inherited, ingestionUrl: client.urlOf('ingestion'), natsUrl: config.external.nats ?? `nats://127.0.0.1:${client.ports.nats}`,
    nkeySeedFile: nkeyOf(home, 'simulator').seedFile, home, tenant: options.tenant,
  });
  const { code, output } = await untilInterrupted(async (interrupted) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
    interrupted.addEventListener('abort', () => child.kill('SIGTERM'));
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => { text = (text + chunk).slice(-65_536); });
    const ended = await new Promise<number | null>((done) => child.once('close', done));
    return { code: ended, output: text };
  });
  if (code !== 0) throw new DomainError('unavailable', 'simulation-failed', {}, `the simulator ended with ${code ?? 'a signal'}; its words are above`);
  return JSON.parse(output.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown>;
};

export const registerSimulate: Register = (program, context) => {
  withTenant(program.command('simulate').description('a seeded shop that sends its events through the public intake'), 'demo')
    .option('--rate <n>', 'events per second: the mean of the run under --for, of a day without', parseCount('--rate', 1, 20_000), 50)
    .option('--seed <n>', 'same seed, same shop', parseCount('--seed', 0, 4_294_967_295), 7)
    .option('--for <duration>', 'how long, e.g. 60s; until Ctrl-C when absent', parseDuration('--for'))
    .option('--manifest <file>', 'write the personal values used, for scans that look for them')
    .option('--journal <file>', 'write every answer of the intake')
    .action(async (options: SimulateOptions) => {
      const report = await runSimulator(context, options);
      present(context.terminal, options.json === true, report, () => objectTable([report]));
    });
};
