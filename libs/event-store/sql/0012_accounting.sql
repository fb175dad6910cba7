-- Counts the events of a range of positions by what their envelopes say, for the reconciliation of counters with the log itself. `sources` is
-- {source: events}; `bare` counts rows whose envelope is no longer in the table.
CREATE FUNCTION millrace.tally_events(p_tenant text, p_context text, p_shard integer, p_after bigint, p_through bigint,
  OUT events bigint, OUT bare bigint, OUT sources jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
  WITH row AS (
    SELECT convert_from(e.envelope, 'UTF8')::jsonb ->> 'via' AS via
    FROM millrace.event e
    WHERE e.tenant = p_tenant AND e.context = p_context AND e.shard = p_shard AND e.position > p_after AND e.position <= p_through
  ), source AS (
    SELECT via, count(*) AS n FROM row GROUP BY via
  )
  SELECT coalesce(sum(n), 0)::bigint, coalesce(sum(n) FILTER (WHERE via IS NULL), 0)::bigint, coalesce(jsonb_object_agg(via, n) FILTER (WHERE via IS NOT NULL), '{}') FROM source
$$;
REVOKE ALL ON FUNCTION millrace.tally_events(text, text, integer, bigint, bigint) FROM PUBLIC;
