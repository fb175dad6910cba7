import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceManifest } from '@millrace/contracts';
import { ownPostgres, withClient } from '@millrace/testing';
import { openHome } from '../home/home.ts';
import { scratchFolder, scratchWorkspace } from '../testing.ts';
import { ensureRoles, urlFor } from './databases.ts';
import { environmentPlan } from './environment-plan.ts';
import { portPlan } from './port-plan.ts';
import { postgresCluster } from './postgres-cluster.ts';
import { prepareDatabases } from './prepare-databases.ts';
import { EVENTS_DATABASE, KEYS_DATABASE, loginRole, type EnvironmentPlan } from './service-environment.ts';

const MIGRATE = `
import { appendFileSync } from 'node:fs';
appendFileSync(new URL('../ran', import.meta.url), JSON.stringify({ admin: process.env.MILLRACE_EVENTS_ADMIN_URL, names: Object.keys(process.env).sort(), cwd: process.cwd() }) + '\\n');
`;
const manifest = (service: string, rest: Partial<ServiceManifest> = {}): ServiceManifest =>
  ({ service, owner: 'team', appends: [], reads: [], asks: [], answers: [], relay: false, databases: [], keys: false, slo: 'x', ...rest });
const MANIFESTS = [
  manifest('analytics', { reads: ['sales'], databases: ['analytics'] }), manifest('console'),
  manifest('ingestion', { appends: ['sales'], databases: ['ingestion'] }), manifest('security', { appends: ['security'], databases: ['security'], keys: true }),
];

const folder = scratchFolder();
let postgres: Awaited<ReturnType<typeof ownPostgres>>;
let plan: EnvironmentPlan;
let workspace: string;
let admin: string;
const migration = (script: string): void => writeFileSync(join(workspace, 'apps/backbone/dist/migrate.js'), script);

// One server stands for all three: what external servers may be.
beforeAll(async () => {
  postgres = await ownPostgres({ fsync: 'off' });
  admin = postgres.url('postgres', 'postgres', postgres.password);
  workspace = scratchWorkspace(folder.path, { 'apps/backbone/dist/migrate.js': MIGRATE });
  const home = openHome(join(folder.path, 'home'));
  const clusters = (['events', 'reads', 'keys'] as const).map((name) => postgresCluster(home, name, 0, admin));
  plan = environmentPlan(home, { home: home.root, workspace, external: {}, inherited: { PATH: '/usr/bin:/bin' } }, portPlan(7400), clusters, MANIFESTS);
});
beforeEach(() => migration(MIGRATE));
afterAll(async () => {
  await postgres.remove();
  folder.remove();
});

const connects = (database: string, service: string): Promise<boolean> =>
  withClient(urlFor(admin, database, loginRole(plan, service)), (client) => client.query('select 1')).then(() => true, () => false);

describe('preparing databases', () => {
  it('may be repeated, and runs backbone\'s migration as the owner each time', async () => {
    await prepareDatabases(workspace, plan, MANIFESTS);
    await prepareDatabases(workspace, plan, MANIFESTS);
    const runs = readFileSync(join(workspace, 'apps/backbone/ran'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { admin: string; names: string[]; cwd: string });
    expect(runs).toHaveLength(2);
    expect(runs[0]).toEqual({ admin: urlFor(admin, EVENTS_DATABASE), names: ['MILLRACE_EVENTS_ADMIN_URL', 'PATH'], cwd: workspace });
  });

  it('lets each service into its own databases and no others', async () => {
    await prepareDatabases(workspace, plan, MANIFESTS);
    const may = await Promise.all(['analytics', 'ingestion', 'security', 'console'].map(async (service) =>
      [service, ...(await Promise.all([EVENTS_DATABASE, KEYS_DATABASE, 'analytics', 'ingestion', 'security'].map((database) => connects(database, service))))]));
    expect(may).toEqual([
      ['analytics', true, false, true, false, false], ['ingestion', true, false, false, true, false],
      ['security', true, true, false, false, true], ['console', false, false, false, false, false],
    ]);
  });

  it('makes a role for who uses a database, and lets nobody log in with one left over', async () => {
    await ensureRoles(admin, [loginRole(plan, 'console')]);
    await prepareDatabases(workspace, plan, MANIFESTS);
    const { rows } = await withClient(admin, (client) => client.query<{ name: string }>("select rolname as name from pg_roles where rolcanlogin and rolname like 'millrace%' order by 1"));
    expect(rows.map(({ name }) => name)).toEqual(['millrace_analytics', 'millrace_ingestion', 'millrace_redactor', 'millrace_security']);
  });

  it('lets no service into the databases a server comes with, on servers of our own only', async () => {
    await withClient(admin, (client) => client.query('grant connect, temporary on database postgres, template1 to public'));
    await prepareDatabases(workspace, { ...plan, ownServers: [] }, MANIFESTS);
    expect(await connects('postgres', 'ingestion')).toBe(true);
    await prepareDatabases(workspace, plan, MANIFESTS);
    expect([await connects('postgres', 'ingestion'), await connects('template1', 'ingestion')]).toEqual([false, false]);
  });

  it.each([
    'select lo_from_bytea(0, decode(repeat(\'00\', 1000), \'hex\'))', 'select lo_create(0)', 'select lo_creat(-1)', 'select lo_open(1, 131072)', 'select lo_put(1, 0, \'x\')', 'select lowrite(0, \'x\')', 'select lo_import(\'/etc/hostname\')',
  ])('lets no service write a large object by %s', async (sql) => {
    await prepareDatabases(workspace, plan, MANIFESTS);
    for (const [database, service] of [[EVENTS_DATABASE, 'analytics'], ['analytics', 'analytics'], [KEYS_DATABASE, 'security']] as const) {
      await expect(withClient(urlFor(admin, database, loginRole(plan, service)), (client) => client.query(sql))).rejects.toMatchObject({ code: '42501' });
    }
  });

  it('lets owners make tables, and nobody else', async () => {
    await prepareDatabases(workspace, plan, MANIFESTS);
    const make = (service: string): Promise<unknown> => withClient(urlFor(admin, service, loginRole(plan, service)), (client) => client.query('create table if not exists mine (x int)'));
    await expect(make('analytics')).resolves.toBeDefined();
    const intoEvents = withClient(urlFor(admin, EVENTS_DATABASE, loginRole(plan, 'ingestion')), (client) => client.query('create table mine (x int)'));
    await expect(intoEvents).rejects.toThrow(/permission denied/);
  });

  it.each([
    ['its error', 'process.stderr.write("backbone migrate: schema is newer\\n"); process.exitCode = 1;', /could not be migrated: backbone migrate: schema is newer$/],
    ['what it threw', 'throw new TypeError("not a database");', /could not be migrated: TypeError: not a database$/],
    ['its last words', 'console.log("going on"); process.exit(4);', /could not be migrated: going on$/],
  ])('fails with %s when the migration fails', async (_, script, message) => {
    migration(script);
    await expect(prepareDatabases(workspace, plan, MANIFESTS)).rejects.toThrow(message);
  });
});
