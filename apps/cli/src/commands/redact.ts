import { REDACTOR } from '@millrace/event-store';
import { DomainError } from '@millrace/kernel';
import { connectPlatform } from '../client/platform-client.ts';
import { homeAt } from '../home/home.ts';
import { postgresPassword } from '../home/secret.ts';
import { present } from '../output/terminal.ts';
import { urlFor, withAdmin } from '../provision/databases.ts';
import { EVENTS_DATABASE } from '../provision/service-environment.ts';
import { withTenant, type CommandContext, type Register, type TenantOptions } from './command-context.ts';

interface Order { readonly factId: string; readonly context: string; readonly shard: number; readonly position: number }

/** What `millrace.redact_event` raises. */
const REFUSED: Readonly<Record<string, { code: string; message: string }>> = {
  MR012: { code: 'redaction-without-fact', message: 'The event, or the fact that allows its redaction, is not in the log.' },
  MR013: { code: 'event-altered', message: 'The event is not what its leaf says: run `millrace ledger verify` first; redacting it would hide what was done to it.' },
  MR014: { code: 'event-archived', message: 'The event was archived while it was being redacted. Run the same command again.' },
};

/** With the redactor's own login, which no service has: taking data away is nobody's everyday right. */
const takeAway = async ({ config }: CommandContext, eventsPort: number, tenant: string, eventId: string, factId: string): Promise<boolean> => {
  const role = { name: REDACTOR, password: postgresPassword(homeAt(config.home), 'redactor') };
  return withAdmin(urlFor(config.external.events ?? `postgres://127.0.0.1:${eventsPort}/`, EVENTS_DATABASE, role), async (client) => {
    try {
      const { rows } = await client.query<{ already: boolean }>('SELECT already FROM millrace.redact_event($1, $2, $3)', [tenant, eventId, factId]);
      return rows[0]?.already === true;
    } catch (error) {
      const refused = REFUSED[(error as { code?: string }).code ?? ''];
      throw refused === undefined ? error : new DomainError('conflict', refused.code, {}, refused.message);
    }
  });
};

export const registerRedact: Register = (program, context) => {
  withTenant(program.command('redact <event-id>').description('take an event\'s data away for ever, leaving its digest; for personal data found too late'), 'shop')
    .requiredOption('--reason <text>', 'stands in the log for ever: a ticket or an occasion, no personal data')
    .action(async (eventId: string, { tenant, json, reason }: TenantOptions & { reason: string }) => {
      const client = connectPlatform(context.config.home);
      const order = await client.call('security', '/v1/redactions', { method: 'POST', body: { tenant, eventId, reason } }) as Order;
      // What the archive holds goes too: its body is back in its row before, and out of its segment after. Each may be repeated.
      const follow = () => client.call('backbone', '/v1/archive/redactions', { method: 'POST', body: { tenant, eventId } });
      await follow();
      const already = await takeAway(context, client.ports['postgres-events'], tenant, eventId, order.factId);
      await follow();
      present(context.terminal, json === true, { ...order, already }, () => `${eventId} at position ${order.position} of ${order.context}/${order.shard} ${already ? 'was redacted before' : 'is redacted'}: its digest stays, ${order.factId} says why`);
    });
};
