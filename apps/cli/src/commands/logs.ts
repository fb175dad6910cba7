import { DomainError, isContext } from '@millrace/kernel';
import { connectPlatform } from '../client/platform-client.ts';
import { present } from '../output/terminal.ts';
import { alignedTable } from '../output/table.ts';
import { withTenant, type Register, type TenantOptions } from './command-context.ts';
import { parseCount } from './option-value.ts';

interface ShardStanding {
  readonly context: string;
  readonly shards: number;
  readonly shardsBefore: number;
  readonly raisedAt?: string;
  readonly logs: readonly { readonly log: string; readonly head: number }[];
}

const text = ({ context, shards, shardsBefore, raisedAt, logs }: ShardStanding): string => {
  const spread = shards === 1 ? `${context} has one log` : `${context}: new streams spread over ${shards} logs, since ${raisedAt ?? 'always'} (before: ${shardsBefore})`;
  return `${spread}\n${alignedTable(['LOG', 'HEAD'], logs.map(({ log, head }) => [log, head]))}`;
};

const parseContext = (context: string): string => {
  if (isContext(context)) return context;
  throw new DomainError('invalid', 'context-unknown', {}, `no context is called "${context.slice(0, 40)}": logs belong to sales, customer, inventory and the like`);
};

export const registerLogs: Register = (program, context) => {
  const log = program.command('log').alias('logs').description('the logs of the event store');
  withTenant(log.command('shards <context> [count]').description('how many logs a context\'s new streams spread over; with a count, raise it (it never goes down)'), 'shop')
    .action(async (name: string, count: string | undefined, { tenant, json }: TenantOptions) => {
      const path = `/v1/logs/${parseContext(name)}/shards`;
      const call = count === undefined ? { query: { tenant } } : { method: 'POST' as const, body: { tenant, shards: parseCount('<count>', 1, 64)(count) } };
      const standing = await connectPlatform(context.config.home).call('backbone', path, call) as ShardStanding;
      present(context.terminal, json === true, standing, () => text(standing));
    });
};
