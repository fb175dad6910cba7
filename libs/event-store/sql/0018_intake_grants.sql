-- Accounting and rejects are the intake's, which appends facts from outside: a service that appends facts of its own could have said of any
-- source what it liked.

ALTER TABLE millrace.append_grant ADD COLUMN intake boolean NOT NULL DEFAULT false;
-- For services that run until the grants are applied anew.
UPDATE millrace.append_grant SET intake = true WHERE context IN ('clickstream', 'sales', 'customer', 'inventory', 'merchandise', 'marketing', 'social');

-- Nothing is ever taken off a count. Rows from before are not looked at: a wrong one must not stop an upgrade.
ALTER TABLE millrace.intake_count ADD CONSTRAINT intake_count_n CHECK (n >= 0) NOT VALID;

-- Appends one batch. Rows come sorted by id, so that two logs taking the same ids wait for each other in one order.
--   p_after              the position this batch follows; null: whatever is last once the head is locked
--   p_streams/p_expected the streams of the batch, each once, and the version each must have before it (-1: any); null: every row
--                        begins a stream of its own, and the key on (stream, version 1) says whether that was so
--   p_ids …              per row: id, stream, offset of its position, index of its stream, step of its version (the last two null with
--                        p_streams null), place of its frame in p_packed, lengths
--   p_sources …          counter deltas, of the intake alone
--   p_rejects            conflicts to keep, of the intake alone: another appender is answered its own, and nothing is kept
-- A frame is 00 | envelope | SHA-256(salt | data) | salt (16) | data | fingerprint (32) | leaf (32).
-- Answers the epoch, the position before the batch and the streams' versions before it. Raises MR001 when the epoch was renewed, MR002
-- when a stream has another version or lives in another log, MR004 when the log does not end at p_after, 23505 when an id, a stream's
-- version or a position is taken: then nothing was written. Few statements: each costs as much as two rows.
CREATE OR REPLACE FUNCTION millrace.append_events(
  p_tenant text, p_context text, p_shard integer, p_epoch bigint, p_after bigint,
  p_streams text[], p_expected bigint[],
  p_ids text[], p_id_streams text[], p_place integer[], p_stream_at integer[], p_step integer[], p_start integer[], p_envelope integer[], p_data integer[],
  p_packed bytea, p_sources text[], p_outcomes text[], p_numbers bigint[], p_rejects jsonb,
  OUT epoch bigint, OUT base bigint, OUT versions bigint[]
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE
  v_intake boolean;
  v_refused boolean;
  v_floor bigint;
  v_rows integer := cardinality(p_ids);
  v_bytes integer := octet_length(p_packed);
  v_written integer := 0;
BEGIN
  IF current_setting('synchronous_commit') IN ('off', 'local') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  SELECT g.intake INTO v_intake FROM millrace.append_grant g WHERE g.role = session_user AND g.context = p_context;
  IF v_intake IS NULL THEN
    PERFORM millrace.assert_append_grant(p_context);
  ELSIF NOT v_intake AND cardinality(p_sources) > 0 THEN
    RAISE EXCEPTION 'counting-not-granted' USING ERRCODE = '42501', DETAIL = p_context;
  END IF;

  IF p_after IS NULL THEN
    SELECT h.epoch, h.archived_through INTO epoch, v_floor FROM millrace.log_head h
      WHERE h.tenant = p_tenant AND h.context = p_context AND h.shard = p_shard FOR NO KEY UPDATE;
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
    base := greatest(v_floor, (SELECT e.position FROM millrace.event e
      WHERE e.tenant = p_tenant AND e.context = p_context AND e.shard = p_shard ORDER BY e.position DESC LIMIT 1));
  ELSE
    base := p_after;
  END IF;
  PERFORM pg_advisory_xact_lock(millrace.batch_key(p_tenant, p_context, p_shard, base + v_rows));

  IF p_streams IS NOT NULL THEN
    SELECT array_agg(coalesce(last.stream_version, 0) ORDER BY s.n),
      bool_or((s.expected >= 0 AND s.expected <> coalesce(last.stream_version, 0)) OR last.context <> p_context OR last.shard <> p_shard)
    INTO versions, v_refused
    FROM unnest(p_streams, p_expected) WITH ORDINALITY AS s(stream, expected, n)
    LEFT JOIN LATERAL (SELECT e.stream_version, e.context, e.shard FROM millrace.event e
      WHERE e.tenant = p_tenant AND e.stream = s.stream ORDER BY e.stream_version DESC LIMIT 1) last ON true;
    IF v_refused THEN
      RAISE EXCEPTION 'stream-version' USING ERRCODE = 'MR002';
    END IF;
  END IF;

  -- Positions are distinct by key; with as many rows written as came, offsets from 1 to their number make them dense.
  IF v_rows > 0 AND p_streams IS NULL THEN
    INSERT INTO millrace.event (tenant, context, shard, position, id, stream, stream_version, fingerprint, salt, leaf, envelope, data)
    SELECT p_tenant, p_context, p_shard, base + r.place, r.id, r.stream, 1,
      substring(p_packed FROM r.start + 49 + r.envelope + r.data FOR 32),
      substring(p_packed FROM r.start + 33 + r.envelope FOR 16),
      substring(p_packed FROM r.start + 81 + r.envelope + r.data FOR 32),
      substring(p_packed FROM r.start + 1 FOR r.envelope),
      substring(p_packed FROM r.start + 49 + r.envelope FOR r.data)
    FROM (SELECT unnest(p_place) AS place, unnest(p_ids) AS id, unnest(p_id_streams) AS stream, unnest(p_start) AS start, unnest(p_envelope) AS envelope, unnest(p_data) AS data) r
    WHERE r.place BETWEEN 1 AND v_rows AND r.start > 0
      AND octet_length(r.id) BETWEEN 1 AND 200 AND octet_length(r.stream) BETWEEN 1 AND 200 AND r.envelope BETWEEN 2 AND 16384 AND r.data BETWEEN 0 AND 524288
      AND r.start + 112 + r.envelope + r.data <= v_bytes;
    GET DIAGNOSTICS v_written = ROW_COUNT;
  ELSIF v_rows > 0 THEN
    INSERT INTO millrace.event (tenant, context, shard, position, id, stream, stream_version, fingerprint, salt, leaf, envelope, data)
    SELECT p_tenant, p_context, p_shard, base + r.place, r.id, r.stream, versions[r.stream_at] + r.step,
      substring(p_packed FROM r.start + 49 + r.envelope + r.data FOR 32),
      substring(p_packed FROM r.start + 33 + r.envelope FOR 16),
      substring(p_packed FROM r.start + 81 + r.envelope + r.data FOR 32),
      substring(p_packed FROM r.start + 1 FOR r.envelope),
      substring(p_packed FROM r.start + 49 + r.envelope FOR r.data)
    FROM (SELECT unnest(p_ids) AS id, unnest(p_id_streams) AS stream, unnest(p_place) AS place, unnest(p_stream_at) AS stream_at, unnest(p_step) AS step,
      unnest(p_start) AS start, unnest(p_envelope) AS envelope, unnest(p_data) AS data) r
    WHERE r.place BETWEEN 1 AND v_rows AND r.step BETWEEN 1 AND v_rows AND r.start > 0
      AND octet_length(r.id) BETWEEN 1 AND 200 AND octet_length(r.stream) BETWEEN 1 AND 200 AND r.envelope BETWEEN 2 AND 16384 AND r.data BETWEEN 0 AND 524288
      AND r.start + 112 + r.envelope + r.data <= v_bytes;
    GET DIAGNOSTICS v_written = ROW_COUNT;
  END IF;
  IF v_written <> v_rows THEN
    RAISE EXCEPTION 'append-malformed' USING ERRCODE = '22023', DETAIL = 'a row breaks the bounds of the event log';
  END IF;

  IF cardinality(p_sources) = 1 THEN
    INSERT INTO millrace.intake_count (tenant, source, outcome, n) VALUES (p_tenant, p_sources[1], p_outcomes[1], p_numbers[1]);
  ELSIF cardinality(p_sources) > 0 THEN
    INSERT INTO millrace.intake_count (tenant, source, outcome, n)
      SELECT p_tenant, c.source, c.outcome, c.n FROM unnest(p_sources, p_outcomes, p_numbers) AS c(source, outcome, n);
  END IF;
  IF p_rejects IS NOT NULL AND v_intake IS NOT FALSE THEN
    PERFORM millrace.keep_rejects(p_rejects);
  END IF;

  IF p_after IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock_shared(millrace.batch_key(p_tenant, p_context, p_shard, p_after));
    SELECT h.epoch, h.archived_through INTO epoch, v_floor FROM millrace.log_head h
      WHERE h.tenant = p_tenant AND h.context = p_context AND h.shard = p_shard FOR NO KEY UPDATE SKIP LOCKED;
    IF p_epoch <> epoch THEN
      RAISE EXCEPTION 'epoch-renewed' USING ERRCODE = 'MR001', DETAIL = epoch::text;
    END IF;
    IF epoch IS NULL OR (p_after <> v_floor AND NOT EXISTS (SELECT FROM millrace.event e
        WHERE e.tenant = p_tenant AND e.context = p_context AND e.shard = p_shard AND e.position = p_after)) THEN
      RAISE EXCEPTION 'log-moved' USING ERRCODE = 'MR004';
    END IF;
  END IF;
END $$;
