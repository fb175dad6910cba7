-- The only ways to write. Each checks the login role (session_user: it can't be changed by SET ROLE) against append_grant.

CREATE FUNCTION millrace.assert_append_grant(p_context text) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM millrace.append_grant g WHERE g.role = session_user AND (p_context IS NULL OR g.context = p_context)) THEN
    RETURN;
  END IF;
  -- The owner and superusers could write the table itself; refusing them here would protect nothing.
  IF NOT pg_has_role(session_user, current_user, 'MEMBER') THEN
    RAISE EXCEPTION 'append-not-granted' USING ERRCODE = '42501', DETAIL = coalesce(p_context, 'any context');
  END IF;
END $$;

CREATE FUNCTION millrace.keep_rejects(p_rejects jsonb) RETURNS TABLE (tenant text, via text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO millrace.reject AS r (tenant, reject_id, via, event_id, type, version, pointer, code, reason, received_at, body, first_body)
  SELECT j.tenant, j.reject_id, j.via, j.event_id, j.type, j.version, j.pointer, j.code, j.reason, j.received_at, decode(j.body, 'base64'),
    (SELECT e.data FROM millrace.event e WHERE j.first AND e.tenant = j.tenant AND e.id = j.event_id)
  FROM jsonb_to_recordset(p_rejects) AS j(tenant text, reject_id text, via text, event_id text, type text, version integer, pointer text,
    code text, reason text, received_at timestamptz, body text, first boolean)
  ORDER BY j.tenant, j.reject_id
  ON CONFLICT DO NOTHING
  RETURNING r.tenant, r.via
$$;

-- Appends one batch. Rows come sorted by id, so that two logs taking the same ids wait for each other in one order.
--   p_streams/p_expected: the streams of the batch, each once, and the version each must have before it (-1: any)
--   p_ids …              per row: id, stream, offset of its position, index of its stream, step of its version, place of its frame in
--                        p_packed (the stream's name again: finding an element of a text array walks the array)
--   p_sources …          counter deltas
-- A frame is 00 | envelope | SHA-256(salt | data) | salt (16) | data | fingerprint (32) | leaf (32).
-- Answers the epoch, the position before the batch and the streams' versions before it. Raises MR001 when the epoch was renewed,
-- MR002 when a stream has another version or lives in another log, 23505 when an id is known: then nothing was written.
-- Few statements: each costs as much as two rows.
CREATE FUNCTION millrace.append_events(
  p_tenant text, p_context text, p_shard integer, p_epoch bigint,
  p_streams text[], p_expected bigint[],
  p_ids text[], p_id_streams text[], p_place integer[], p_stream_at integer[], p_step integer[], p_start integer[], p_envelope integer[], p_data integer[],
  p_packed bytea, p_sources text[], p_outcomes text[], p_numbers bigint[], p_rejects jsonb,
  OUT epoch bigint, OUT base bigint, OUT versions bigint[]
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  v_granted boolean;
  v_refused boolean;
  v_floor bigint;
  v_rows integer := cardinality(p_ids);
  v_bytes integer := octet_length(p_packed);
  v_written integer;
BEGIN
  IF current_setting('synchronous_commit') IN ('off', 'local') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;

  SELECT h.epoch, h.archived_through, EXISTS (SELECT FROM millrace.append_grant g WHERE g.role = session_user AND g.context = p_context)
    INTO epoch, v_floor, v_granted FROM millrace.log_head h
    WHERE h.tenant = p_tenant AND h.context = p_context AND h.shard = p_shard FOR NO KEY UPDATE OF h;
  IF v_granted IS NOT TRUE THEN
    PERFORM millrace.assert_append_grant(p_context);
  END IF;
  IF epoch IS NULL THEN
    INSERT INTO millrace.log_head (tenant, context, shard, epoch)
      VALUES (p_tenant, p_context, p_shard, floor(extract(epoch FROM clock_timestamp()))::bigint) ON CONFLICT DO NOTHING;
    SELECT h.epoch, h.archived_through INTO STRICT epoch, v_floor FROM millrace.log_head h
      WHERE h.tenant = p_tenant AND h.context = p_context AND h.shard = p_shard FOR NO KEY UPDATE;
  END IF;
  IF p_epoch <> epoch THEN
    RAISE EXCEPTION 'epoch-renewed' USING ERRCODE = 'MR001', DETAIL = epoch::text;
  END IF;

  -- A statement of its own, after the lock: its snapshot holds what the lock's last holder committed.
  SELECT array_agg(coalesce(last.stream_version, 0) ORDER BY s.n),
    bool_or((s.expected >= 0 AND s.expected <> coalesce(last.stream_version, 0)) OR last.context <> p_context OR last.shard <> p_shard),
    greatest(v_floor, (SELECT e.position FROM millrace.event e
      WHERE e.tenant = p_tenant AND e.context = p_context AND e.shard = p_shard ORDER BY e.position DESC LIMIT 1))
  INTO versions, v_refused, base
  FROM unnest(p_streams, p_expected) WITH ORDINALITY AS s(stream, expected, n)
  LEFT JOIN LATERAL (SELECT e.stream_version, e.context, e.shard FROM millrace.event e
    WHERE e.tenant = p_tenant AND e.stream = s.stream ORDER BY e.stream_version DESC LIMIT 1) last ON true;
  IF v_refused THEN
    RAISE EXCEPTION 'stream-version' USING ERRCODE = 'MR002';
  END IF;

  IF v_rows > 0 THEN
    INSERT INTO millrace.event (tenant, context, shard, position, id, stream, stream_version, fingerprint, salt, leaf, envelope, data)
    SELECT p_tenant, p_context, p_shard, base + r.place, r.id, r.stream, versions[r.stream_at] + r.step,
      substring(p_packed FROM r.start + 49 + r.envelope + r.data FOR 32),
      substring(p_packed FROM r.start + 33 + r.envelope FOR 16),
      substring(p_packed FROM r.start + 81 + r.envelope + r.data FOR 32),
      substring(p_packed FROM r.start + 1 FOR r.envelope),
      substring(p_packed FROM r.start + 49 + r.envelope FOR r.data)
    FROM unnest(p_ids, p_id_streams, p_place, p_stream_at, p_step, p_start, p_envelope, p_data) AS r(id, stream, place, stream_at, step, start, envelope, data)
    -- Positions are distinct by key, so these make them dense.
    WHERE r.place BETWEEN 1 AND v_rows AND r.step BETWEEN 1 AND v_rows AND r.start > 0
      AND octet_length(r.id) BETWEEN 1 AND 200 AND octet_length(r.stream) BETWEEN 1 AND 200 AND r.envelope BETWEEN 2 AND 16384 AND r.data BETWEEN 0 AND 524288
      AND r.start + 112 + r.envelope + r.data <= v_bytes;
    GET DIAGNOSTICS v_written = ROW_COUNT;
    IF v_written <> v_rows THEN
      RAISE EXCEPTION 'append-malformed' USING ERRCODE = '22023', DETAIL = 'a row breaks the bounds of the event log';
    END IF;
  END IF;
  IF cardinality(p_sources) > 0 THEN
    INSERT INTO millrace.intake_count (tenant, source, outcome, n)
      SELECT p_tenant, c.source, c.outcome, c.n FROM unnest(p_sources, p_outcomes, p_numbers) AS c(source, outcome, n);
  END IF;
  IF p_rejects IS NOT NULL THEN
    PERFORM millrace.keep_rejects(p_rejects);
  END IF;
END $$;

-- What is known of these ids in any log of the tenant. Readers are told only of contexts they may read; appenders of all: an id is
-- unique over all logs.
CREATE FUNCTION millrace.known_events(p_tenant text, p_ids text[])
RETURNS TABLE (id text, context text, shard integer, "position" bigint, stream_version bigint, fingerprint bytea, leaf bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  v_appends boolean := pg_has_role(session_user, current_user, 'MEMBER') OR EXISTS (SELECT FROM millrace.append_grant g WHERE g.role = session_user);
BEGIN
  RETURN QUERY SELECT e.id, e.context, e.shard, e.position, e.stream_version, e.fingerprint, e.leaf
    FROM unnest(p_ids) AS k(id) JOIN millrace.event e ON e.tenant = p_tenant AND e.id = k.id
    WHERE v_appends OR has_table_privilege(session_user, format('log.%I', e.context), 'SELECT');
END $$;

-- The latest version of each of these streams and the log it lives in; streams without events are absent.
CREATE FUNCTION millrace.stream_versions(p_tenant text, p_streams text[])
RETURNS TABLE (stream text, context text, shard integer, version bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM millrace.assert_append_grant(NULL);
  RETURN QUERY SELECT last.stream, last.context, last.shard, last.stream_version
    FROM unnest(p_streams) AS s(stream)
    CROSS JOIN LATERAL (SELECT e.stream, e.context, e.shard, e.stream_version FROM millrace.event e
      WHERE e.tenant = p_tenant AND e.stream = s.stream ORDER BY e.stream_version DESC LIMIT 1) last;
END $$;

-- Receipts may be lost with the last moments before a crash: nothing was promised for them. They are never lost once an append that
-- came after them is durable, because the log of Postgres is flushed in order.
CREATE FUNCTION millrace.record_receipts(p_receipts jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM millrace.assert_append_grant(NULL);
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO millrace.intake_count (tenant, source, outcome, n)
    SELECT r.tenant, r.source, 'received', r.n FROM jsonb_to_recordset(p_receipts) AS r(tenant text, source text, n bigint);
END $$;

-- Keeps rejects and counts the ones not kept before.
CREATE FUNCTION millrace.record_rejects(p_rejects jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM millrace.assert_append_grant(NULL);
  INSERT INTO millrace.intake_count (tenant, source, outcome, n)
    SELECT k.tenant, k.via, 'rejected', count(*) FROM millrace.keep_rejects(p_rejects) k GROUP BY k.tenant, k.via;
END $$;

-- Folds counter deltas into one row per (tenant, source, outcome). Sums don't change, whoever reads meanwhile.
CREATE FUNCTION millrace.compact_counts() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH gone AS (DELETE FROM millrace.intake_count RETURNING tenant, source, outcome, n),
    kept AS (INSERT INTO millrace.intake_count (tenant, source, outcome, n)
      SELECT tenant, source, outcome, sum(n) FROM gone GROUP BY tenant, source, outcome RETURNING 1)
  SELECT (SELECT count(*) FROM gone) - (SELECT count(*) FROM kept)
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA millrace FROM PUBLIC;
