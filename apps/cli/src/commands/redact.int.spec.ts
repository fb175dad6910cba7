import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { REDACTOR } from '@millrace/event-store';
import { postgresUrl, withClient } from '@millrace/testing';
import { postgresPassword } from '../home/secret.ts';
import { ensureDatabase, ensureRoles } from '../provision/databases.ts';
import { EVENTS_DATABASE } from '../provision/service-environment.ts';
import { runCommand, scratchFolder, standInPlatform, type StandInPlatform } from '../testing.ts';

/** Stands for the event database's function: answers, or raises what it is told to. */
const STAND_IN = (body: string): string => `create schema if not exists millrace; grant usage on schema millrace to ${REDACTOR};
  create or replace function millrace.redact_event(p_tenant text, p_id text, p_fact_id text, out context text, out shard integer, out "position" bigint, out already boolean)
  language plpgsql security definer as $$ begin ${body} end $$; grant execute on function millrace.redact_event to ${REDACTOR}`;

let folder: ReturnType<typeof scratchFolder>;
let platform: StandInPlatform;
const eventsUrl = (): string => postgresUrl(EVENTS_DATABASE);
const redact = (...args: string[]) => runCommand({ ...platform.config, external: { events: postgresUrl() } }, 'redact', ...args);
beforeEach(async () => {
  folder = scratchFolder();
  platform = await standInPlatform(folder.path);
  await ensureRoles(postgresUrl(), [{ name: REDACTOR, password: postgresPassword(platform.home, 'redactor') }]);
  await ensureDatabase(postgresUrl(), EVENTS_DATABASE);
  await withClient(postgresUrl(), (client) => client.query(`grant connect on database ${EVENTS_DATABASE} to ${REDACTOR}`));
  platform.on('security', 'POST /v1/redactions', { status: 201, json: { factId: 'redacted/sales/0/7', context: 'sales', shard: 0, position: 7 } });
  platform.on('backbone', 'POST /v1/archive/redactions', { json: { tenant: 'shop', log: 'sales/0', position: 7, refilled: false } });
});
afterEach(async () => {
  await withClient(postgresUrl(), (client) => client.query(`drop database ${EVENTS_DATABASE} with (force)`));
  await platform.close();
  folder.remove();
});
const databaseDoes = (body: string): Promise<unknown> => withClient(eventsUrl(), (client) => client.query(STAND_IN(body)));

describe('redact', () => {
  it('has the fact told first, then takes the data away with the redactor\'s own login', async () => {
    await databaseDoes(`if session_user <> '${REDACTOR}' or p_id <> 'e-7' or p_fact_id <> 'redacted/sales/0/7' then raise 'wrong caller'; end if; already := false;`);
    const run = await redact('e-7', '--reason', 'TICKET-1: found late');
    expect(run).toMatchObject({ failed: false, out: ['e-7 at position 7 of sales/0 is redacted: its digest stays, redacted/sales/0/7 says why'] });
    expect(platform.heard).toMatchObject([
      { listener: 'security', body: { tenant: 'shop', eventId: 'e-7', reason: 'TICKET-1: found late' } },
      // Archived data is put where it can be taken away, and its segment follows.
      { listener: 'backbone', request: 'POST /v1/archive/redactions', body: { tenant: 'shop', eventId: 'e-7' } },
      { listener: 'backbone', request: 'POST /v1/archive/redactions', body: { tenant: 'shop', eventId: 'e-7' } },
    ]);
    expect(JSON.stringify(run)).not.toContain(postgresPassword(platform.home, 'redactor'));
  });

  it('says when it was done before', async () => {
    await databaseDoes('already := true;');
    expect((await redact('e-7', '--reason', 'TICKET-1: found late')).out[0]).toContain('was redacted before');
  });

  it.each([
    ['MR012', /not in the log/],
    ['MR013', /run `millrace ledger verify` first/],
    ['MR014', /Run the same command again/],
  ])('says in one line why the database refuses (%s)', async (code, message) => {
    await databaseDoes(`raise exception 'no' using errcode = '${code}';`);
    const run = await redact('e-7', '--reason', 'TICKET-1: found late');
    expect(run).toMatchObject({ failed: true, error: expect.stringMatching(message) });
    expect(run.error).not.toContain('\n');
  });

  it('takes nothing away when the fact is refused', async () => {
    await databaseDoes("raise 'must not be called';");
    platform.on('security', 'POST /v1/redactions', { status: 404, json: { detail: 'No event of this tenant has that id.' } });
    expect(await redact('e-8', '--reason', 'TICKET-1: found late')).toMatchObject({ failed: true, error: 'No event of this tenant has that id.' });
  });

  it('wants a reason', async () => {
    expect(await redact('e-7')).toMatchObject({ failed: true });
    expect(platform.heard).toEqual([]);
  });
});
