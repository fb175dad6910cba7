-- How old the oldest snapshot is that keeps dead rows from being removed, and the oldest transaction. Only numbers leave this function. What
-- other roles do is shown to it only when its owner is in pg_read_all_stats: `complete` says whether it is.
CREATE FUNCTION millrace.oldest_snapshot(OUT snapshot_seconds double precision, OUT transaction_seconds double precision, OUT snapshots integer, OUT complete boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(max(extract(epoch FROM clock_timestamp() - a.xact_start)) FILTER (WHERE a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL), 0)::double precision,
    coalesce(max(extract(epoch FROM clock_timestamp() - a.xact_start)), 0)::double precision,
    count(*) FILTER (WHERE a.backend_xmin IS NOT NULL)::integer,
    pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
  FROM pg_stat_activity a
  -- Vacuum's own snapshot holds nothing back.
  WHERE a.pid <> pg_backend_pid() AND a.backend_type <> 'autovacuum worker' AND (a.datname = current_database() OR a.datname IS NULL)
$$;
REVOKE ALL ON FUNCTION millrace.oldest_snapshot() FROM PUBLIC;
