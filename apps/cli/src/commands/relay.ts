import { connectPlatform, type PlatformClient } from '../client/platform-client.ts';
import { present } from '../output/terminal.ts';
import { untilInterrupted } from './interruption.ts';
import { parseCount } from './option-value.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { withTenant, type CommandContext, type Register, type TenantOptions } from './command-context.ts';

interface RefillOptions extends TenantOptions {
  readonly log: string;
  readonly from: number;
}

interface LogStanding { readonly tenant: string; readonly log: string; readonly head: number; readonly relayed: number; readonly state: string; readonly reason?: string }

const LOOK_MS = 250;

const standing = async (client: PlatformClient, { tenant, log }: RefillOptions): Promise<LogStanding | undefined> =>
  (await client.call('backbone', '/v1/logs', { query: { tenant } }) as { logs: LogStanding[] }).logs.find((one) => one.log === log);

/** Shows how far it is until the stream is at the head; interrupted, the relay goes on by itself. */
const watch = ({ terminal }: CommandContext, client: PlatformClient, options: RefillOptions): Promise<LogStanding | undefined> => untilInterrupted(async (signal) => {
  const begun = performance.now();
  for (;;) {
    const now = await standing(client, options);
    if (!now || signal.aborted || now.state === 'diverged' || (now.state === 'relaying' && now.relayed >= now.head)) return now;
    const done = now.relayed - options.from + 1;
    const eta = done > 0 ? `, about ${Math.ceil(((performance.now() - begun) / done) * (now.head - now.relayed) / 1000)} s left` : '';
    terminal.progress.write(`refilling: ${now.relayed} of ${now.head}${eta}\n`);
    await pause(LOOK_MS, undefined, { signal }).catch(() => undefined); // interrupted: the last look is the answer
  }
});

export const registerRelay: Register = (program, context) => {
  const relay = program.command('relay').description('the copy of the logs on the bus');
  withTenant(relay.command('refill').description('delete a log\'s stream and fill it again from a position on; consumers read Postgres meanwhile'), 'shop')
    .option('--log <log>', 'which log', 'sales/0')
    .option('--from <position>', 'first position to put on the bus', parseCount('--from', 1, Number.MAX_SAFE_INTEGER), 1)
    .action(async (options: RefillOptions) => {
      const client = connectPlatform(context.config.home);
      const { tenant, log, from } = options;
      await client.call('backbone', '/v1/relay/refill', { method: 'POST', body: { tenant, log, from } });
      const end = await watch(context, client, options);
      present(context.terminal, options.json === true, end ?? null, () => (end ? `${tenant} ${log}: ${end.state}, on the bus from ${from} to ${end.relayed} of ${end.head}` : `${tenant} ${log} is not listed any more`));
      if (!end || end.state !== 'diverged') return;
      context.terminal.err(`millrace: the relay stands still: ${end.reason ?? 'diverged'}`);
      context.fail();
    });
};
