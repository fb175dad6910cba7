-- What services read: one view per context, granted to those whose manifest names it. security_barrier: a caller's own functions
-- never see another context's rows.

DO $$
DECLARE
  v_context text;
BEGIN
  FOREACH v_context IN ARRAY ARRAY['clickstream', 'sales', 'customer', 'inventory', 'merchandise', 'marketing', 'social',
    'catalog', 'security', 'warehouse', 'analytics', 'alerting', 'backbone']
  LOOP
    EXECUTE format('CREATE VIEW log.%I WITH (security_barrier) AS
      SELECT tenant, shard, position, id, stream, stream_version, fingerprint, salt, leaf, envelope, data
      FROM millrace.event WHERE context = %L', v_context, v_context);
  END LOOP;
END $$;

CREATE FUNCTION millrace.may_see(p_context text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT has_table_privilege(session_user, format('log.%I', p_context), 'SELECT')
    OR EXISTS (SELECT FROM millrace.append_grant g WHERE g.role = session_user AND g.context = p_context)
$$;
REVOKE ALL ON FUNCTION millrace.may_see(text) FROM PUBLIC;

-- Position and leaf are looked up per row, and only when asked for.
CREATE VIEW log.head WITH (security_barrier) AS
  SELECT h.tenant, h.context, h.shard, h.epoch, h.archived_through,
    coalesce((SELECT e.position FROM millrace.event e WHERE e.tenant = h.tenant AND e.context = h.context AND e.shard = h.shard
      ORDER BY e.position DESC LIMIT 1), h.archived_through) AS position,
    (SELECT e.leaf FROM millrace.event e WHERE e.tenant = h.tenant AND e.context = h.context AND e.shard = h.shard
      ORDER BY e.position DESC LIMIT 1) AS leaf
  FROM millrace.log_head h WHERE millrace.may_see(h.context);

CREATE VIEW log.source_count WITH (security_barrier) AS
  SELECT tenant, source, outcome, sum(n)::bigint AS n FROM millrace.intake_count GROUP BY tenant, source, outcome;

-- Without the bodies.
CREATE VIEW log.reject WITH (security_barrier) AS
  SELECT tenant, reject_id, seq, via, event_id, type, version, pointer, code, reason, received_at FROM millrace.reject;
