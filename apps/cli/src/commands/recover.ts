import { setTimeout as pause } from 'node:timers/promises';
import type { LogExplanation } from '@millrace/contracts';
import { DomainError } from '@millrace/kernel';
import { connectPlatform, type PlatformClient } from '../client/platform-client.ts';
import { present } from '../output/terminal.ts';
import { untilInterrupted } from './interruption.ts';
import { parseDuration } from './option-value.ts';
import { explanationText } from './recovery-text.ts';
import type { CommandContext, Register } from './command-context.ts';

interface RecoverOptions {
  readonly tenant?: string;
  readonly log?: string;
  readonly plan?: boolean;
  readonly yes?: boolean;
  readonly reason: string;
  readonly wait: number;
  readonly json?: boolean;
}

interface RecoveredLog { readonly tenant: string; readonly log: string; readonly epoch: number; readonly previousEpoch: number }

/** Consumers start over at some ten thousand events a second: a log of millions takes minutes, and says so. */
const DEFAULT_WAIT_MS = 600_000;
const LOOK_MS = 500;

const explain = async (client: PlatformClient, { tenant, log }: RecoverOptions): Promise<LogExplanation[]> =>
  (await client.call('backbone', '/v1/recovery', { query: { tenant, log } }) as { logs: LogExplanation[] }).logs;

const isSettled = (logs: readonly LogExplanation[]): boolean => logs.every(({ state, head, consumers }) => state === 'agrees' && consumers.every(({ position }) => position === head));

/** What is left to do, in events: what every consumer still has to apply. */
const leftOf = (logs: readonly LogExplanation[]): number => logs.flatMap(({ head, consumers }) => consumers.map(({ position, action }) => (action === 'starts-over' ? head : Math.max(0, head - position)))).reduce((sum, n) => sum + n, 0);

/** Waits until relay and consumers have followed; cut off, they go on by themselves. */
const followed = (context: CommandContext, client: PlatformClient, options: RecoverOptions): Promise<LogExplanation[]> => untilInterrupted(async (signal) => {
  const begun = performance.now();
  let first: number | undefined;
  for (;;) {
    const logs = await explain(client, options);
    const left = leftOf(logs);
    first ??= left;
    const took = performance.now() - begun;
    if (isSettled(logs) || signal.aborted || took > options.wait) return logs;
    const eta = first > left ? `, about ${Math.ceil((took / (first - left)) * left / 1000)} s left` : '';
    context.terminal.progress.write(`following: ${left} events to apply${eta}\n`);
    await pause(LOOK_MS, undefined, { signal }).catch(() => undefined); // interrupted: the last look is the answer
  }
});

const recover = async (context: CommandContext, options: RecoverOptions): Promise<void> => {
  if (options.plan === true && options.yes === true) throw new DomainError('invalid', 'option-conflict', {}, '--plan changes nothing and --yes does: give one of them');
  const client = connectPlatform(context.config.home);
  const plan = await explain(client, options);
  const parted = plan.filter(({ state }) => state !== 'agrees');
  if (options.yes !== true) {
    present(context.terminal, options.json === true, { logs: plan }, () => explanationText(plan));
    if (parted.length === 0) return;
    context.terminal.err(`millrace: ${parted.length} of ${plan.length} logs have parted; nothing was changed: \`millrace recover --yes\` mends them`);
    return context.fail();
  }
  if (options.json !== true) context.terminal.out(explanationText(plan));
  const { tenant, log, reason } = options;
  const { recovered } = await client.call('backbone', '/v1/recovery', { method: 'POST', body: { ...(tenant === undefined ? {} : { tenant }), ...(log === undefined ? {} : { log }), reason } }) as { recovered: RecoveredLog[] };
  const after = recovered.length === 0 && parted.length === 0 ? plan : await followed(context, client, options);
  present(context.terminal, options.json === true, { recovered, logs: after }, () => [
    ...recovered.map((one) => `${one.tenant} ${one.log}: epoch ${one.previousEpoch} -> ${one.epoch}`), recovered.length === 0 && parted.length === 0 ? 'nothing to mend' : explanationText(after),
  ].join('\n'));
  if (isSettled(after)) return;
  context.terminal.err('millrace: the epochs are renewed, but not everybody has followed yet: they go on by themselves, `millrace recover` shows how far they are');
  context.fail();
};

export const registerRecover: Register = (program, context) => {
  program.command('recover').description('explain where logs, bus and consumers have parted (after a restore), and mend it')
    .option('--tenant <tenant>', 'whose logs; all unless told')
    .option('--log <log>', 'which log, as in sales/0; all unless told')
    .option('--plan', 'explain only, change nothing (as without --yes)')
    .option('--yes', 'mend: renew the epochs, refill the bus, rewind or rebuild consumers')
    .option('--reason <text>', 'why; stands in the backbone.log.recovered fact', 'recovered by the operator')
    .option('--wait <duration>', 'how long to wait for consumers to follow', parseDuration('--wait'), DEFAULT_WAIT_MS)
    .option('--json', 'one JSON document on standard output')
    .action((options: RecoverOptions) => recover(context, options));
};
