import type { ServiceManifest } from '@millrace/contracts';
import { applyGrants, migrateEventStore } from '@millrace/event-store';
import { Client } from 'pg';

/**
 * Owns schema, tables and functions of the event database. It can't log in, so the SECURITY DEFINER functions run with the rights of a role
 * nobody can become but an administrator, and never with a superuser's.
 */
export const OWNER = 'millrace_owner';

const ensureOwner = async (client: Client): Promise<void> => {
  await client.query(`do $$ begin
    if not exists (select from pg_roles where rolname = '${OWNER}') then create role ${OWNER} nologin; end if;
    execute format('alter database %I owner to ${OWNER}', current_database());
  end $$`);
  await client.query(`set role ${OWNER}`);
};

/**
 * Brings the event database to this program's schema and gives every service's role exactly what its manifest declares. The roles exist.
 * Idempotent; concurrent runs wait for each other.
 */
export const prepareEventDatabase = async (adminUrl: string, manifests: readonly ServiceManifest[]): Promise<{ migrations: number; services: number }> => {
  const client = new Client({ connectionString: adminUrl, application_name: 'backbone-migrate' });
  await client.connect();
  try {
    await ensureOwner(client);
    const migrations = await migrateEventStore(client);
    const users = manifests.filter((manifest) => manifest.relay || manifest.appends.length > 0 || manifest.reads.length > 0);
    await applyGrants(client, users);
    return { migrations, services: users.length };
  } finally {
    await client.end();
  }
};
