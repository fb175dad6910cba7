import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ServiceManifest } from '@millrace/contracts';
import { REDACTOR } from '@millrace/event-store';
import { DomainError } from '@millrace/kernel';
import { lastLine } from '../supervisor/log-rotation.ts';
import { nodeCommand } from '../supervisor/service-part.ts';
import { allowConnect, closeOwnServer, ensureDatabase, ensureRoles, forbidLogin, urlFor } from './databases.ts';
import { roleOf, usesEvents, usesPostgres } from './manifests.ts';
import { EVENTS_DATABASE, KEYS_DATABASE, loginRole, redactorRole, type EnvironmentPlan } from './service-environment.ts';

const run = promisify(execFile);

/** The largest known migration takes seconds; a lock held by someone else must not hold the start for ever. */
const MIGRATE_WITHIN_MS = 300_000;

const prepareEvents = async (workspace: string, plan: EnvironmentPlan, manifests: readonly ServiceManifest[]): Promise<void> => {
  const users = manifests.filter(usesEvents);
  await ensureRoles(plan.adminUrls.events, [...users.map((manifest) => loginRole(plan, manifest.service)), redactorRole(plan)]);
  // Earlier releases made a role for every service. It is kept, as objects and grants may name it.
  await forbidLogin(plan.adminUrls.events, manifests.filter((manifest) => !usesPostgres(manifest)).map((manifest) => roleOf(manifest.service)));
  await ensureDatabase(plan.adminUrls.events, EVENTS_DATABASE);
  await allowConnect(plan.adminUrls.events, EVENTS_DATABASE, [...users.map((manifest) => roleOf(manifest.service)), REDACTOR]);
  await migrateEvents(workspace, plan);
};

/** Tables, functions and grants of the event database are backbone's: its own migrate entry makes them, as superuser. */
const migrateEvents = async (workspace: string, plan: EnvironmentPlan): Promise<void> => {
  const { command, args, cwd } = nodeCommand(workspace, 'backbone', 'migrate');
  try {
    await run(command, args, { cwd, timeout: MIGRATE_WITHIN_MS, env: { ...plan.inherited, MILLRACE_EVENTS_ADMIN_URL: urlFor(plan.adminUrls.events, EVENTS_DATABASE) } });
  } catch (error) {
    const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string };
    throw new DomainError('unavailable', 'migration-failed', {}, `the event database could not be migrated: ${lastLine(stderr === '' ? stdout : stderr)}`);
  }
};

const prepareReads = async (plan: EnvironmentPlan, manifests: readonly ServiceManifest[]): Promise<void> => {
  const owners = manifests.filter((manifest) => manifest.databases.length > 0);
  await ensureRoles(plan.adminUrls.reads, owners.map((manifest) => loginRole(plan, manifest.service)));
  for (const { service, databases } of owners) for (const database of databases) await ensureDatabase(plan.adminUrls.reads, database, roleOf(service));
};

const prepareKeys = async (plan: EnvironmentPlan, manifests: readonly ServiceManifest[]): Promise<void> => {
  const owners = manifests.filter((manifest) => manifest.keys && usesPostgres(manifest));
  await ensureRoles(plan.adminUrls.keys, owners.map((manifest) => loginRole(plan, manifest.service)));
  for (const { service } of owners) await ensureDatabase(plan.adminUrls.keys, KEYS_DATABASE, roleOf(service));
};

/** Roles, databases and the event database's schema; every step may be repeated. One after the other: the three may be one server. */
export const prepareDatabases = async (workspace: string, plan: EnvironmentPlan, manifests: readonly ServiceManifest[]): Promise<void> => {
  await prepareReads(plan, manifests);
  await prepareKeys(plan, manifests);
  await prepareEvents(workspace, plan, manifests);
  for (const server of plan.ownServers) await closeOwnServer(plan.adminUrls[server]);
};
