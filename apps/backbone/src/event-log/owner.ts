import type { ServiceManifest } from '@millrace/contracts';
import { applyGrants, migrateEventStore } from '@millrace/event-store';
import { Client } from 'pg';

/**
 * Owns schema, tables and functions of the event database. It can't log in, so the SECURITY DEFINER functions run with the rights of a role
 * nobody can become but an administrator, and never with a superuser's.
 */
export const OWNER = 'millrace_owner';

/** Any fixed number, another than the migration's: a run holds it until its connection ends. */
const LOCK = 7_400_002;

/**
 * Roles belong to the whole cluster and locks to one database, so two databases may be prepared at once and race for the role. An
 * administrator who is no superuser must be let into the role it has made.
 */
const ENSURE_OWNER = `do $$ begin
  if not exists (select from pg_roles where rolname = '${OWNER}') then
    begin
      create role ${OWNER} nologin;
    exception when duplicate_object or unique_violation then null;
    end;
  end if;
  if exists (select from pg_roles where rolname = '${OWNER}' and (rolcanlogin or rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls)) then
    alter role ${OWNER} nologin nosuperuser nocreatedb nocreaterole noreplication nobypassrls;
  end if;
  if not pg_has_role('${OWNER}', 'set') then execute format('grant ${OWNER} to %I with inherit true, set true', current_user); end if;
  -- So that the age of the oldest snapshot can be told. Only a superuser may grant it; without it the alert says that it is incomplete.
  if not pg_has_role('${OWNER}', 'pg_read_all_stats', 'usage') then
    begin
      grant pg_read_all_stats to ${OWNER};
    exception when insufficient_privilege then null;
    end;
  end if;
  if (select pg_get_userbyid(datdba) from pg_database where datname = current_database()) <> '${OWNER}' then
    execute format('alter database %I owner to ${OWNER}', current_database());
  end if;
end $$`;

/**
 * Brings the event database to this program's schema and gives every service's role exactly what its manifest declares. The roles exist.
 * Idempotent; concurrent runs wait for each other.
 */
export const prepareEventDatabase = async (adminUrl: string, manifests: readonly ServiceManifest[]): Promise<{ migrations: number; services: number }> => {
  const client = new Client({ connectionString: adminUrl, application_name: 'backbone-migrate' });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    await client.query(ENSURE_OWNER);
    await client.query(`set role ${OWNER}`);
    const migrations = await migrateEventStore(client);
    const users = manifests.filter((manifest) => manifest.relay || manifest.appends.length > 0 || manifest.reads.length > 0);
    await applyGrants(client, users);
    return { migrations, services: users.length };
  } finally {
    await client.end();
  }
};
