import type { Command } from 'commander';
import { DomainError } from '@millrace/kernel';
import { connectPlatform, type PlatformClient } from '../client/platform-client.ts';
import { ownerOf, PROJECTING } from '../client/projections.ts';
import { alignedTable } from '../output/table.ts';
import { present } from '../output/terminal.ts';
import type { Register } from './command-context.ts';
import { parseCount } from './option-value.ts';

interface ParkedRow { readonly id: string; readonly consumer: string; readonly tenant: string; readonly log: string; readonly position: number; readonly type: string; readonly code: string; readonly reason: string; readonly parkedAt: string }
interface ParkedPage { readonly parked: readonly ParkedRow[]; readonly next: string | null }
interface Outcome { readonly applied: readonly number[]; readonly stopped?: { readonly position: number; readonly code: string; readonly reason: string } }

const USUALLY = 100;
const MOST = 1_000;

/** The projection stands first in the id: `sales-facts@1:shop:sales:0:17`. */
const projectionIn = (id: string): string => {
  const [, projection] = /^([a-z0-9-]+)@\d+:/.exec(id) ?? [];
  if (projection !== undefined) return projection;
  throw new DomainError('invalid', 'parked-id-malformed', {}, 'a parked event is named as `millrace parked list` names it, e.g. sales-facts@1:shop:sales:0:17');
};

export const outcomeLine = ({ applied, stopped }: Outcome, done: string): string => [
  `${done}${applied.length === 0 ? 'nothing was applied' : `${applied.length} no longer parked (position${applied.length === 1 ? '' : 's'} ${applied.slice(0, 10).join(', ')}${applied.length > 10 ? ', …' : ''})`}`,
  ...(stopped === undefined ? [] : [`stopped at position ${stopped.position}: ${stopped.code}: ${stopped.reason}`]),
].join('; ');

const act = async (client: PlatformClient, id: string, verb: 'retry' | 'discard', body: unknown): Promise<Outcome> =>
  await client.call(await ownerOf(client, projectionIn(id)), `/v1/parked/${encodeURIComponent(id)}/${verb}`, { method: 'POST', body }) as Outcome;

const withJson = (command: Command): Command => command.option('--json', 'one JSON document');

export const registerParked: Register = (program, context) => {
  const parked = program.command('parked').description('events that could not be applied, and those of their key behind them');
  const platform = (): PlatformClient => connectPlatform(context.config.home);

  withJson(parked.command('list').description('over all services').option('--projection <name>', 'of one projection').option('--limit <n>', 'most of each service', parseCount('--limit', 1, MOST), USUALLY))
    .action(async ({ projection, limit, json }: { projection?: string; limit: number; json?: boolean }) => {
      const client = platform();
      const services = projection === undefined ? PROJECTING : [await ownerOf(client, projection)];
      const pages = await Promise.all(services.map(async (service) => ({ service, ...await client.call(service, '/v1/parked', { query: { consumer: projection, limit } }) as ParkedPage })));
      const rows = pages.flatMap(({ service, parked: found }) => found.map((row) => ({ service, ...row })));
      present(context.terminal, json === true, { parked: rows, more: pages.some(({ next }) => next !== null) }, () =>
        (rows.length === 0 ? 'nothing is parked' : alignedTable(['service', 'id', 'type', 'code', 'reason'], rows.map((row) => [row.service, row.id, row.type, row.code, row.reason]))));
    });
  withJson(parked.command('show <id>').description('its envelope, its data with sealed values left sealed, and why it is parked'))
    .action(async (id: string) => {
      const client = platform();
      const detail = await client.call(await ownerOf(client, projectionIn(id)), `/v1/parked/${encodeURIComponent(id)}`);
      context.terminal.out(JSON.stringify(detail, null, 2));
    });
  withJson(parked.command('retry <id>').description('apply it and those behind it of its key, in order; exits 1 when one fails again'))
    .action(async (id: string, { json }: { json?: boolean }) => {
      const outcome = await act(platform(), id, 'retry', {});
      present(context.terminal, json === true, outcome, () => outcomeLine(outcome, ''));
      if (outcome.stopped !== undefined) context.fail();
    });
  withJson(parked.command('discard <id>').description('take it out of the projection for good; recorded as a fact').requiredOption('--reason <text>', 'why, for whoever reads the log later; nothing about a person'))
    .action(async (id: string, { reason, json }: { reason: string; json?: boolean }) => {
      const outcome = await act(platform(), id, 'discard', { reason });
      present(context.terminal, json === true, outcome, () => outcomeLine(outcome, 'discarded; '));
    });
};
