import { rmSync } from 'node:fs';
import { connectPlatform } from '../client/platform-client.ts';
import { addSource, sourceKeyFile } from '../client/source-keys.ts';
import { homeAt } from '../home/home.ts';
import { objectTable } from '../output/table.ts';
import { present } from '../output/terminal.ts';
import { withTenant, type Register, type TenantOptions } from './command-context.ts';
import { parseCount, parseInstant, parseList } from './option-value.ts';

interface AddOptions extends TenantOptions {
  readonly types?: string[];
  readonly recordOf?: string[];
  readonly earliest?: string;
  readonly latestAheadMs?: number;
}

export const registerSource: Register = (program, context) => {
  const source = program.command('source').description('who may bring events');
  const platform = (): ReturnType<typeof connectPlatform> => connectPlatform(context.config.home);

  withTenant(source.command('add <name>').description('make a source and print its key, once'), 'shop')
    .option('--types <list>', 'event types it may bring, comma-separated; all when absent', parseList)
    .option('--record-of <list>', 'contexts it is the system of record for: sales,customer,inventory,merchandise', parseList)
    .option('--earliest <time>', 'oldest event time it may bring', parseInstant('--earliest'))
    .option('--latest-ahead-ms <ms>', 'how far its clock may be ahead', parseCount('--latest-ahead-ms', 0, 86_400_000))
    .action(async (name: string, { json, earliest, ...wish }: AddOptions) => {
      const made = await addSource(platform(), { ...wish, name, ...(earliest === undefined ? {} : { earliest: new Date(earliest).toISOString() }) });
      present(context.terminal, json === true, made, () => made.key);
      if (json !== true) context.terminal.err(`This is the only time the key of ${name} is shown. Send it as: Authorization: Bearer ${made.key.slice(0, 4)}…`);
    });

  withTenant(source.command('list').description('the tenant\'s sources; keys are never shown again'), 'shop')
    .action(async ({ tenant, json }: TenantOptions) => {
      const document = await platform().call('ingestion', '/v1/sources', { query: { tenant } }) as { sources?: Record<string, unknown>[] };
      present(context.terminal, json === true, document, () => objectTable(document.sources ?? []));
    });

  withTenant(source.command('revoke <name>').description('its key is refused from now on'), 'shop')
    .action(async (name: string, { tenant, json }: TenantOptions) => {
      await platform().call('ingestion', `/v1/sources/${encodeURIComponent(name)}`, { method: 'DELETE', query: { tenant } });
      rmSync(sourceKeyFile(homeAt(context.config.home), tenant, name), { force: true });
      present(context.terminal, json === true, { tenant, name, revoked: true }, () => `source ${name} of tenant ${tenant} is revoked`);
    });
};
