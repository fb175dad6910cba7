import { DomainError, parseLogName } from '@millrace/kernel';
import { connectPlatform, type PlatformClient } from '../client/platform-client.ts';
import { alignedTable } from '../output/table.ts';
import { present } from '../output/terminal.ts';
import { withTenant, type Register, type TenantOptions } from './command-context.ts';
import { parseCount } from './option-value.ts';

interface EventsOptions extends TenantOptions {
  readonly log: string;
  readonly after: number;
  readonly limit: number;
  readonly type?: string;
  readonly subject?: string;
  readonly stream?: string;
}

interface ListedEvent { readonly position: number; readonly envelope?: { readonly time: string; readonly type: string; readonly id: string }; readonly time?: string; readonly type?: string; readonly id?: string }
interface Page { readonly events: readonly ListedEvent[]; readonly through: number }

const eventRow = (event: ListedEvent): (string | number | undefined)[] => [event.position, (event.envelope ?? event).time, (event.envelope ?? event).type, (event.envelope ?? event).id];

/** Pages on until there are as many as asked for, or the log has no more: a filtered page may be empty while there is more. */
const readLog = async (client: PlatformClient, options: EventsOptions): Promise<Page> => {
  const { tenant, log, limit, type, subject } = options;
  const { context, shard } = parseLogName(tenant, log);
  const events: ListedEvent[] = [];
  for (let after = options.after; ;) {
    const page = await client.call('backbone', `/v1/logs/${context}/${shard}/events`, { query: { tenant, after, limit: limit - events.length, type, subject } }) as Page;
    if (page.through === after) return { events, through: after };
    events.push(...page.events);
    after = page.through;
    if (events.length >= limit) return { events, through: after };
  }
};

const listed = async (client: PlatformClient, options: EventsOptions): Promise<Pick<Page, 'events'>> => {
  const { tenant, stream, after, limit, type, subject } = options;
  if (stream === undefined) return readLog(client, options);
  if (type !== undefined || subject !== undefined) throw new DomainError('invalid', 'option-malformed', { option: '--stream' }, '--stream is read whole: leave out --type and --subject');
  return await client.call('backbone', '/v1/streams', { query: { tenant, stream, after, limit } }) as Pick<Page, 'events'>;
};

export const registerEvents: Register = (program, context) => {
  withTenant(program.command('events [id]').description('read a log or a stream, or one event with its envelope and leaf'), 'shop')
    .option('--log <log>', 'which log', 'sales/0')
    .option('--after <position>', 'after this position (with --stream: version)', parseCount('--after', 0, Number.MAX_SAFE_INTEGER), 0)
    .option('--limit <n>', 'at most so many', parseCount('--limit', 1, 1000), 20)
    .option('--type <type>', 'only of this type, e.g. sales.order.placed')
    .option('--subject <ref>', 'only about this subject reference (sub_…)')
    .option('--stream <stream>', 'one stream instead of a log, e.g. sales.order/536365')
    .action(async (id: string | undefined, options: EventsOptions) => {
      const client = connectPlatform(context.config.home);
      if (id !== undefined) {
        const event = await client.call('backbone', `/v1/events/${encodeURIComponent(id)}`, { query: { tenant: options.tenant } });
        return present(context.terminal, options.json === true, event, () => JSON.stringify(event, null, 2));
      }
      const page = await listed(client, options);
      return present(context.terminal, options.json === true, page, () => alignedTable(['position', 'time', 'type', 'id'], page.events.map(eventRow)));
    });
};
