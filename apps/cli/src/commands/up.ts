import { spawn } from 'node:child_process';
import { DomainError } from '@millrace/kernel';
import { clockTime, errorLine } from '../output/terminal.ts';
import { DEFAULT_PORT, parsePort } from '../provision/port-plan.ts';
import { supervise, type Supervision } from '../supervisor/supervision.ts';
import { TENANT, type CommandContext, type Register } from './command-context.ts';
import { newLoginLink } from './login-link.ts';

interface UpOptions {
  readonly port: number;
  readonly open: boolean;
  readonly demo: boolean;
  readonly services: boolean;
}

const openBrowser = (url: string): void => {
  const browser = spawn('xdg-open', [url], { stdio: 'ignore', detached: true });
  browser.on('error', () => undefined); // no desktop here: the address stands on the terminal
  browser.unref();
};

const announce = async ({ terminal }: CommandContext, { client, home }: Supervision, options: UpOptions, tookMs: number): Promise<void> => {
  const login = await newLoginLink(client);
  terminal.out([
    '', `Millrace is ready (${(tookMs / 1000).toFixed(1)} s).`, '',
    `  console   ${client.urlOf('console')}`,
    `  intake    ${client.urlOf('ingestion')}/v1/events`,
    `  openapi   ${client.urlOf('ingestion')}/openapi.json`,
    `  data      ${home.root}`, '',
    `  first login (the link is good once, until ${login.expiresAt}):`, `            ${login.url}`, '',
    '  Ctrl-C drains and ends everything; `npx millrace status` shows how it is.', '',
  ].join('\n'));
  if (options.open) openBrowser(login.url);
};

/** Resolves at the first Ctrl-C, SIGTERM or `millrace stop`. Later ones change nothing: draining is bounded by itself. */
const stopSignal = (): { asked: Promise<void>; ask: () => void } => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ask);
  return { asked, ask };
};

/** What nobody caught is a fault of ours; ending at once would kill databases and services that have none. It is said, and everything is drained. */
const drainOnFault = ({ terminal }: CommandContext, ask: () => void): void => {
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.on(event, (error: unknown) => {
      terminal.err(`millrace: ${errorLine(error)}`);
      process.exitCode = 1;
      ask();
    });
  }
};

const up = async (context: CommandContext, options: UpOptions): Promise<void> => {
  const { terminal, config } = context;
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error').on('error', () => undefined); // a terminal that went away must not take the platform along
  const { asked, ask } = stopSignal();
  drainOnFault(context, ask);
  const begun = performance.now();
  const report = (part: string, message: string): void => terminal.out(`${clockTime(new Date())}  ${part.padEnd(16)}  ${message}`);
  report('supervisor', `data folder ${config.home}`);
  let supervision: Supervision;
  try {
    supervision = await supervise(config, options, report, ask, asked);
  } catch (error) {
    if (error instanceof DomainError && error.code === 'stopped-while-starting') return report('supervisor', 'stopped while starting');
    throw error;
  }
  try {
    if (options.services) await announce(context, supervision, options, performance.now() - begun);
    await asked;
    report('supervisor', 'draining');
  } finally {
    await supervision.stop();
  }
  report('supervisor', 'stopped');
};

export const registerUp: Register = (program, context) => {
  program.command('up').description('start the platform and keep it running, for every tenant')
    .option('--port <port>', `console here, the rest on the 22 ports after it`, parsePort, DEFAULT_PORT)
    .option('--no-open', 'leave the browser alone')
    .option('--no-demo', 'without the simulated shop (tenant demo)')
    .option('--no-services', 'Postgres and NATS only')
    .option(...TENANT)
    .action((options: UpOptions) => up(context, options));
};
