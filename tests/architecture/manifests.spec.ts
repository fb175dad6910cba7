import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseServiceManifest } from '@millrace/contracts';
import { natsPermissions, type NatsPermissions } from '@millrace/event-bus';
import { PgEventStore, roleOf } from '@millrace/event-store';
import { CONTEXTS, type Context } from '@millrace/kernel';
import { readServiceManifests } from '@millrace/service-kit';
import { freshDatabase, withClient, type TestDatabase } from '@millrace/testing';
import { parse } from 'yaml';
import { analyticsConfig } from '../../apps/analytics/src/analytics.config.ts';
import { witnessConfig } from '../../apps/backbone/src/witness/witness.config.ts';
import { backboneConfig } from '../../apps/backbone/src/backbone.config.ts';
import { prepareEventDatabase } from '../../apps/backbone/src/event-log/owner.ts';
import { consoleConfig } from '../../apps/console/src/console.config.ts';
import { ingestionConfig } from '../../apps/ingestion/src/ingestion.config.ts';
import { securityConfig } from '../../apps/security/src/security.config.ts';
import { simulatorConfig } from '../../apps/simulator/src/simulator.config.ts';
import { warehouseConfig } from '../../apps/warehouse/src/warehouse.config.ts';

const apps = resolve(import.meta.dirname, '../../apps');
const manifests = readServiceManifests(apps);
const manifestOf = (service: string) => manifests.find((manifest) => manifest.service === service)!;

/** What each service may do, written out by hand: a change of a manifest or of the generators must be made here too, and be seen. */
const BUSINESS: readonly Context[] = ['clickstream', 'sales', 'customer', 'inventory', 'merchandise', 'marketing', 'social'];
interface Rights { readonly appends: readonly Context[]; readonly views: readonly string[]; readonly functions: readonly string[] }
const APPENDING = ['append_events', 'stream_versions', 'place_streams'];
const TAKING_IN = ['receipts_stand', 'record_receipts', 'record_rejects'];
const SEEING = ['known_events', 'may_see'];
const LEDGER_VIEWS = ['ledger_checkpoint', 'ledger_tile', 'redaction'];
const LEDGER_FUNCTIONS = ['ledger_leaves', 'ledger_rows', 'ledger_extend', 'ledger_cosign'];
const ARCHIVE_FUNCTIONS = ['archive_limit', 'oldest_snapshot', 'refill_event', 'register_segment', 'reject_bodies', 'replace_segment', 'thin_events'];
const POSTGRES: Readonly<Record<string, Rights>> = {
  analytics: { appends: [], views: ['head', 'log_epoch', 'segment', 'sales'], functions: SEEING },
  backbone: { appends: ['backbone'], views: ['head', ...LEDGER_VIEWS, 'log_epoch', 'segment', 'reject', 'shard_count', 'source_count', ...CONTEXTS], functions: [...APPENDING, ...SEEING, ...LEDGER_FUNCTIONS, ...ARCHIVE_FUNCTIONS, 'compact_counts', 'raise_shards', 'renew_log_epoch', 'tally_events'] },
  cli: { appends: [], views: [], functions: [] },
  console: { appends: [], views: [], functions: [] },
  ingestion: { appends: BUSINESS, views: ['head', 'log_epoch', 'segment', 'reject', 'source_count', 'inventory'], functions: [...APPENDING, ...TAKING_IN, ...SEEING] },
  security: { appends: ['security'], views: ['head', 'log_epoch', 'segment', 'customer'], functions: [...APPENDING, ...SEEING] },
  simulator: { appends: [], views: [], functions: [] },
  warehouse: { appends: [], views: ['head', 'log_epoch', 'segment', 'clickstream', 'sales', 'customer', 'inventory', 'merchandise', 'security'], functions: SEEING },
};

const consuming = (service: string, contexts: readonly string[]): string[] => [service, `${service}-1`, `${service}-2`, `${service}-3`].flatMap((name) => [
  ...contexts.map((context) => `$JS.API.CONSUMER.CREATE.*.${name}.evt.*.${context}.>`),
  `$JS.API.CONSUMER.MSG.NEXT.*.${name}`, `$JS.API.CONSUMER.INFO.*.${name}`, `$JS.API.CONSUMER.DELETE.*.${name}`,
]);
const NATS: Readonly<Record<string, NatsPermissions>> = {
  analytics: { publish: ['cmd.backbone.parked-event.discard', 'cmd.backbone.projection.switch', ...consuming('analytics', ['sales'])], subscribe: ['_INBOX.analytics.>', 'query.analytics.consumers analytics'], answersRequests: true },
  backbone: { publish: [
      'query.analytics.consumers', 'query.warehouse.consumers', 'evt.>', '$JS.API.STREAM.CREATE.*', '$JS.API.STREAM.UPDATE.*', '$JS.API.STREAM.DELETE.*', '$JS.API.STREAM.INFO.*', '$JS.API.STREAM.NAMES', '$JS.API.STREAM.MSG.GET.*',
    ], subscribe: ['_INBOX.backbone.>', 'cmd.backbone.parked-event.discard backbone', 'cmd.backbone.projection.switch backbone'], answersRequests: true },
  cli: { publish: [], subscribe: ['_INBOX.cli.>'], answersRequests: false },
  console: { publish: [], subscribe: ['_INBOX.console.>'], answersRequests: false },
  ingestion: {
    publish: ['query.security.keys.resolve', 'query.security.keys.find', 'query.security.keys.keys-of', ...consuming('ingestion', ['inventory'])],
    subscribe: ['_INBOX.ingestion.>', 'cmd.inventory.> ingestion'], answersRequests: true,
  },
  security: { publish: consuming('security', ['customer']), subscribe: ['_INBOX.security.>', 'query.security.> security'], answersRequests: true },
  simulator: { publish: ['cmd.inventory.>'], subscribe: ['_INBOX.simulator.>'], answersRequests: false },
  warehouse: { publish: ['cmd.backbone.parked-event.discard', 'cmd.backbone.projection.switch', ...consuming('warehouse', ['clickstream', 'sales', 'customer', 'inventory', 'merchandise', 'security'])], subscribe: ['_INBOX.warehouse.>', 'query.warehouse.consumers warehouse'], answersRequests: true },
};

describe('every app', () => {
  const folders = readdirSync(apps, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  it('is known here', () => {
    expect(folders.toSorted()).toEqual(Object.keys(POSTGRES).toSorted());
    expect(Object.keys(NATS)).toEqual(Object.keys(POSTGRES));
  });
  it.each(folders)('%s has a service.yaml that parses and bears its name', (name) => {
    const manifest = parseServiceManifest(parse(readFileSync(join(apps, name, 'service.yaml'), 'utf8')));
    expect(manifest.service).toBe(name);
    expect(manifest).toEqual(manifestOf(name));
  });
  it('has what it says for itself alone: one relay, one holder of keys, each database and each appended context of one', () => {
    expect(manifests.filter(({ relay }) => relay).map(({ service }) => service)).toEqual(['backbone']);
    expect(manifests.filter(({ keys }) => keys).map(({ service }) => service)).toEqual(['security']);
    for (const owned of [manifests.flatMap(({ databases }) => databases), manifests.flatMap(({ appends }) => appends)]) expect(new Set(owned).size).toBe(owned.length);
  });
});

describe('the event database, given the manifests', () => {
  const password = 'for-this-run';
  let database: TestDatabase;
  beforeAll(async () => {
    database = await freshDatabase();
    await withClient(database.url, async (client) => {
      for (const { service } of manifests) await client.query(`create role ${roleOf(service)} login password '${password}'`);
    });
    await prepareEventDatabase(database.url, manifests);
  });
  afterAll(() => database.drop());
  const urlOf = (service: string): string => database.urlAs(roleOf(service), password);
  const column = (sql: string, service: string): Promise<string[]> => withClient(database.url, async (client) => (await client.query<{ name: string }>(sql, [roleOf(service)])).rows.map(({ name }) => name));

  it.each(Object.entries(POSTGRES))('%s may do there what is written here and nothing else', async (service, { appends, views, functions }) => {
    const relations = `select format('%s %s %s', n.nspname, c.relname, privilege_type) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) where grantee = $1::regrole`;
    expect((await column(relations, service)).toSorted()).toEqual(views.map((view) => `log ${view} SELECT`).toSorted());
    expect(await column(`select format('%s.%s', attrelid::regclass, attname) as name from pg_attribute, aclexplode(attacl) where grantee = $1::regrole`, service)).toEqual([]);
    expect((await column('select format(\'%s %s\', p.proname, privilege_type) as name from pg_proc p, aclexplode(p.proacl) where grantee = $1::regrole', service)).toSorted()).toEqual(functions.map((name) => `${name} EXECUTE`).toSorted());
    const schemas = views.length > 0 ? ['log USAGE', 'millrace USAGE'] : [];
    expect((await column('select format(\'%s %s\', nspname, privilege_type) as name from pg_namespace, aclexplode(nspacl) where grantee = $1::regrole', service)).toSorted()).toEqual(schemas);
    expect((await column('select context as name from millrace.append_grant where role = $1', service)).toSorted()).toEqual(appends.toSorted());
    expect(await column('select roleid::regrole::text as name from pg_auth_members where member = $1::regrole', service)).toEqual([]);
    expect(await column('select relname as name from pg_class where relowner = $1::regrole union all select proname from pg_proc where proowner = $1::regrole', service)).toEqual([]);
  });

  it.each(Object.entries(POSTGRES))('%s is refused by Postgres itself what is another\'s to read', async (service, { views }) => {
    await withClient(urlOf(service), async (client) => {
      const may = async (sql: string): Promise<boolean> => client.query(sql).then(() => true, (error: { code?: string }) => {
        if (error.code !== '42501') throw new Error(`refused, but not as a missing right: ${error.code}`);
        return false;
      });
      const readable: string[] = [];
      for (const view of ['head', ...LEDGER_VIEWS, 'log_epoch', 'segment', 'reject', 'shard_count', 'source_count', ...CONTEXTS]) if (await may(`select * from log.${view}`)) readable.push(view);
      expect(readable.toSorted()).toEqual(views.toSorted());
      const tables = await withClient(database.url, async (admin) => (await admin.query<{ name: string; column: string }>(`select relname as name, attname as column from pg_class join pg_attribute on attrelid = pg_class.oid and attnum = 1 where relnamespace = 'millrace'::regnamespace and relkind = 'r'`)).rows);
      expect(tables.length).toBeGreaterThanOrEqual(6);
      for (const { name, column: first } of tables) for (const sql of [`select from millrace.${name}`, `update millrace.${name} set ${first} = ${first}`, `delete from millrace.${name}`, `truncate millrace.${name}`, `insert into millrace.${name} default values`]) expect([sql, await may(sql)]).toEqual([sql, false]);
    });
  });

  it.each(Object.entries(POSTGRES))('%s appends to its own contexts only', async (service, { appends }) => {
    const store = PgEventStore.connect({ url: urlOf(service), applicationName: 'spec' });
    const appended: Context[] = [];
    for (const context of CONTEXTS) {
      const [id, tenant, stream] = [`${service}-${context}`, 'shop', `${context}.thing/${service}`];
      const envelope = { specversion: '1.0' as const, id, source: '/spec', type: `${context}.thing.happened`, version: 1, tenant, stream, time: '2026-11-01T00:00:00.000Z', receivedtime: '2026-11-01T00:00:00.000Z', via: 'spec', fingerprint: '00'.repeat(32) };
      await store.append({ tenant, context, shard: 0 }, [{ stream, expectedVersion: 'any', events: [{ envelope, data: Buffer.from('{}') }] }]).then(() => appended.push(context), (error: { code?: string }) => expect([context, error.code]).toEqual([context, 'not-granted']));
    }
    await store.close();
    expect(appended.toSorted()).toEqual(appends.toSorted());
  });
});

/** Whether a subject, or all that a pattern ending in `.>` stands for, is covered by another. */
const covers = (wide: string, narrow: string): boolean => wide === narrow || (wide.endsWith('.>') && narrow.startsWith(wide.slice(0, -1)));
const overlap = (a: string, b: string): boolean => covers(a, b) || covers(b, a);

describe('the bus, given the manifests', () => {
  it.each(Object.entries(NATS))('%s may say and hear what is written here', (service, permissions) => expect(natsPermissions(manifestOf(service))).toEqual(permissions));

  it('has one answerer for a subject', () => {
    const answers = manifests.flatMap(({ service, answers: subjects }) => subjects.map((subject) => ({ service, subject })));
    expect(answers.flatMap((one, at) => answers.slice(at + 1).filter((other) => overlap(one.subject, other.subject)).map((other) => [one, other]))).toEqual([]);
  });

  it('has an answerer for every question', () => {
    const answered = manifests.flatMap(({ answers }) => answers);
    expect(manifests.flatMap(({ service, asks }) => asks.filter((ask) => !answered.some((subject) => covers(subject, ask))).map((ask) => `${service} asks ${ask}`))).toEqual([]);
  });

  it.each([['a.>', 'a.b', true], ['a.>', 'a.b.>', true], ['a.b', 'a.b', true], ['a.>', 'ab.c', false], ['a.b', 'a.>', false], ['a.b', 'a.b.c', false]])('%s covers %s: %s', (wide, narrow, answer) => expect(covers(wide, narrow)).toBe(answer));
});

describe('what a service\'s config asks for', () => {
  interface Definition { readonly service: string; readonly settings: Readonly<Record<string, { readonly env: string }>> }
  const definitions: readonly Definition[] = [analyticsConfig, backboneConfig, consoleConfig, ingestionConfig, securityConfig, simulatorConfig, warehouseConfig];
  const variables = (definition: Definition): string[] => Object.values(definition.settings).map(({ env }) => env);

  it('is known here for every app but the command line, which reads no service\'s config', () => {
    expect(definitions.map(({ service }) => service).toSorted()).toEqual(manifests.map(({ service }) => service).filter((service) => service !== 'cli'));
  });

  it.each(definitions.map((definition) => [definition.service, definition] as const))('%s: is what its manifest lets it use', (service, definition) => {
    const { appends, reads, relay, asks, answers, databases, keys } = manifestOf(service);
    const env = variables(definition);
    const [events, bus] = [relay || appends.length + reads.length > 0, relay || reads.length + asks.length + answers.length > 0];
    const asksForKeys = asks.some((subject) => overlap(subject, 'query.security.keys.>'));
    const expected = {
      MILLRACE_EVENTS_URL: events, MILLRACE_DATABASE_URL: databases.length > 0, MILLRACE_KEYS_URL: keys, MILLRACE_ROOT_KEY_FILE: keys, MILLRACE_XKEYS: keys,
      MILLRACE_NATS_URL: bus, MILLRACE_NATS_SEED_FILE: bus, MILLRACE_XKEY_SEED_FILE: asksForKeys || keys, MILLRACE_SECURITY_XKEY: asksForKeys,
    };
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, env.includes(name)]))).toEqual(expected);
  });

  it('calls only services that listen', () => {
    const listening = [...definitions, witnessConfig].filter((definition) => variables(definition).includes('MILLRACE_HTTP_PORT')).map(({ service }) => `MILLRACE_${service.toUpperCase()}_HTTP_URL`);
    expect(listening).toHaveLength(7);
    for (const definition of definitions) expect(listening).toEqual(expect.arrayContaining(variables(definition).filter((name) => name.endsWith('_HTTP_URL'))));
  });
});
