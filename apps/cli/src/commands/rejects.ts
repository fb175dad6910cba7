import { connectPlatform } from '../client/platform-client.ts';
import { alignedTable } from '../output/table.ts';
import { present } from '../output/terminal.ts';
import { withTenant, type Register } from './command-context.ts';
import { parseCount } from './option-value.ts';

interface KeptReject { readonly rejectId: string; readonly via: string; readonly eventId?: string; readonly type?: string; readonly pointer: string; readonly code: string; readonly receivedAt: string }

interface Options { readonly tenant: string; readonly json?: boolean }

const USUALLY = 20;
const MOST = 1_000;

export const registerRejects: Register = (program, context) => {
  const rejects = program.command('rejects').description('events that were refused or contradict one with the same id, kept under seal');
  withTenant(rejects.command('list').description('newest first'), 'shop')
    .option('--limit <n>', 'most to list', parseCount('--limit', 1, MOST), USUALLY)
    .option('--before <reject-id>', 'those kept before this one')
    .action(async ({ tenant, json, limit, before }: Options & { limit: number; before?: string }) => {
      const page = await connectPlatform(context.config.home).call('ingestion', '/v1/rejects', { query: { tenant, limit, before } }) as { rejects: readonly KeptReject[] };
      present(context.terminal, json === true, page, () => (page.rejects.length === 0 ? 'nothing was rejected' : alignedTable(['received', 'id', 'source', 'event', 'type', 'code', 'at'],
        page.rejects.map((one) => [one.receivedAt, one.rejectId, one.via, one.eventId ?? '', one.type ?? '', one.code, one.pointer]))));
    });
  withTenant(rejects.command('show <reject-id>').description('what was sent, sealed as it is kept; of a conflict both bodies'), 'shop')
    .action(async (id: string, { tenant }: Options) => {
      context.terminal.out(JSON.stringify(await connectPlatform(context.config.home).call('backbone', `/v1/rejects/${encodeURIComponent(id)}`, { query: { tenant } }), null, 2));
    });
};
