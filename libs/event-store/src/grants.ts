import { BUSINESS_CONTEXTS, type Context } from '@millrace/kernel';
import { escapeIdentifier, escapeLiteral, type ClientBase } from 'pg';
import { withOwner } from './migrate.ts';

/** What a service may do in the event database: the part of its `service.yaml` that becomes grants. */
export interface ServiceAccess {
  readonly service: string;
  /** One context of facts from outside makes it an intake: it also keeps receipts, counts and rejects. */
  readonly appends: readonly Context[];
  readonly reads: readonly Context[];
  /** Reads every context, folds counters and raises counts of logs. */
  readonly relay: boolean;
}

/** The login role of a service. */
export const roleOf = (service: string): string => `millrace_${service}`;

const revoked = (role: string): string[] => [
  `REVOKE ALL ON ALL TABLES IN SCHEMA log, millrace FROM ${role}`,
  `REVOKE ALL ON ALL FUNCTIONS IN SCHEMA millrace FROM ${role}`,
  `REVOKE ALL ON SCHEMA log, millrace FROM ${role}`,
];

/** Facts from outside come through the intake alone, with its accounting and its rejects. */
const isIntake = (context: Context): boolean => BUSINESS_CONTEXTS.includes(context);

const granted = (access: ServiceAccess): string[] => {
  const name = roleOf(access.service);
  const role = escapeIdentifier(name);
  const may = { append: access.appends.length > 0, takeIn: access.appends.some(isIntake), read: access.reads.length > 0 || access.relay };
  const reads = access.relay ? ['ALL TABLES IN SCHEMA log'] : access.reads.map((context) => `log.${escapeIdentifier(context)}`);
  const views = [...reads, ...(may.takeIn ? ['log.reject', 'log.source_count'] : []), ...(may.append || may.read ? ['log.head', 'log.log_epoch', 'log.segment'] : [])];
  const functions = [
    ...(may.append ? ['append_events', 'stream_versions', 'place_streams'] : []),
    ...(may.takeIn ? ['record_receipts', 'record_rejects', 'receipts_stand'] : []),
    ...(may.append || may.read ? ['known_events', 'may_see'] : []),
    ...(access.relay ? ['compact_counts', 'raise_shards', 'renew_log_epoch', 'tally_events'] : []),
    ...(access.relay ? ['ledger_leaves', 'ledger_rows', 'ledger_extend', 'ledger_cosign'] : []),
    ...(access.relay ? ['archive_limit', 'oldest_snapshot', 'refill_event', 'register_segment', 'reject_bodies', 'replace_segment', 'thin_events'] : []),
  ];
  return [
    ...(may.append || may.read ? [`GRANT USAGE ON SCHEMA log, millrace TO ${role}`] : []),
    ...views.map((view) => `GRANT SELECT ON ${view} TO ${role}`),
    ...functions.map((name_) => `GRANT EXECUTE ON FUNCTION millrace.${name_} TO ${role}`),
    ...access.appends.map((context) => `INSERT INTO millrace.append_grant (role, context, intake) VALUES (${escapeLiteral(name)}, ${escapeLiteral(context)}, ${isIntake(context)})`),
  ];
};

/** The one role that may take data out of an event; no service logs in as it, and a cluster without it can't redact. */
export const REDACTOR = 'millrace_redactor';

const grantRedactor = `DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = '${REDACTOR}') THEN
    GRANT USAGE ON SCHEMA millrace TO ${REDACTOR};
    GRANT EXECUTE ON FUNCTION millrace.redact_event TO ${REDACTOR};
  END IF;
END $$`;

/** Services whose manifest is gone, or gives them nothing, keep their role if they have one, not their rights. */
const revokeUnlisted = (roles: readonly string[]): string => `DO $$
DECLARE v_role text;
BEGIN
  FOR v_role IN SELECT rolname FROM pg_roles WHERE rolname LIKE 'millrace\\_%' AND rolname <> current_user AND rolname <> ALL (ARRAY[${roles.map((role) => escapeLiteral(role)).join(', ')}]::text[]) LOOP
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA log, millrace FROM %I', v_role);
    EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA millrace FROM %I', v_role);
    EXECUTE format('REVOKE ALL ON SCHEMA log, millrace FROM %I', v_role);
  END LOOP;
END $$`;

/**
 * The statements that give each service's role exactly what its manifest declares and take away everything else, for the owner to run
 * in one transaction after the migration. The roles of those that are given anything exist already. Running them again changes nothing.
 */
export const grantStatements = (manifests: readonly ServiceAccess[]): string[] => {
  const users = manifests.filter(({ appends, reads, relay }) => relay || appends.length > 0 || reads.length > 0);
  return [
    'DELETE FROM millrace.append_grant',
    revokeUnlisted(users.map((access) => roleOf(access.service))),
    ...users.flatMap((access) => [...revoked(escapeIdentifier(roleOf(access.service))), ...granted(access)]),
    grantRedactor,
  ];
};

/** Runs `grantStatements` in one transaction: running services see the old rights or the new ones, never none. */
export const applyGrants = (owner: string | ClientBase, manifests: readonly ServiceAccess[]): Promise<void> => withOwner(owner, async (client) => {
  await client.query(['BEGIN', ...grantStatements(manifests), 'COMMIT'].join(';\n'));
});
