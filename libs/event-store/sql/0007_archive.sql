-- Old positions move to Parquet segments. What is unique for ever (place, id, stream version) stays in the row with fingerprint and leaf;
-- envelope, data and salt leave it, all three or none.
ALTER TABLE millrace.event ALTER COLUMN envelope DROP NOT NULL, ALTER COLUMN data DROP NOT NULL, ALTER COLUMN salt DROP NOT NULL;

-- A thinned row is a new version of it, and the old one's space is used again only after a vacuum: by default that waits for a fifth of the
-- table to be dead, which is gigabytes. 50,000 rows are one segment.
ALTER TABLE millrace.event SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50000);

-- The segments of a log lie side by side from position 1 on.
CREATE TABLE millrace.segment (
  tenant text COLLATE "C" NOT NULL,
  context text COLLATE "C" NOT NULL,
  shard integer NOT NULL,
  from_position bigint NOT NULL CHECK (from_position >= 1),
  to_position bigint NOT NULL,
  -- Of the whole file, which is named after it.
  sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
  bytes bigint NOT NULL CHECK (bytes > 0),
  epoch bigint NOT NULL,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Rows up to here have been thinned; below to_position while that goes on.
  thinned_through bigint NOT NULL,
  PRIMARY KEY (tenant, context, shard, from_position),
  CHECK (to_position >= from_position AND thinned_through BETWEEN from_position - 1 AND to_position)
);

CREATE VIEW log.segment WITH (security_barrier) AS
  SELECT s.tenant, s.context, s.shard, s.from_position, s.to_position, s.sha256, s.bytes, s.epoch, s.made_at, s.thinned_through
  FROM millrace.segment s WHERE millrace.may_see(s.context);

-- Up to where a log may be archived: the size of its epoch's last cosigned checkpoint. Beyond it a row is the only witness of what it holds.
-- Without the ledger's table nothing may be.
CREATE FUNCTION millrace.archive_limit(p_tenant text, p_context text, p_shard integer) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_limit bigint;
BEGIN
  IF to_regclass('millrace.ledger_checkpoint') IS NULL THEN
    RETURN 0;
  END IF;
  EXECUTE 'SELECT max(c.size) FROM millrace.ledger_checkpoint c JOIN millrace.log_head h USING (tenant, context, shard, epoch)
      WHERE c.tenant = $1 AND c.context = $2 AND c.shard = $3 AND c.cosigned'
    INTO v_limit USING p_tenant, p_context, p_shard;
  RETURN coalesce(v_limit, 0);
END $$;

-- Enters a segment that is written and has been compared with its rows. From here on its positions are archived; their rows are thinned
-- afterwards, in steps. The same again changes nothing. Raises MR007 when the range doesn't continue the archive or isn't complete, MR008
-- when it goes beyond what a cosigned checkpoint covers.
CREATE FUNCTION millrace.register_segment(p_tenant text, p_context text, p_shard integer, p_from bigint, p_to bigint, p_sha256 bytea, p_bytes bigint)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_archived bigint;
  v_epoch bigint;
BEGIN
  SELECT h.archived_through, h.epoch INTO v_archived, v_epoch FROM millrace.log_head h
    WHERE h.tenant = p_tenant AND h.context = p_context AND h.shard = p_shard FOR NO KEY UPDATE;
  IF EXISTS (SELECT FROM millrace.segment s WHERE s.tenant = p_tenant AND s.context = p_context AND s.shard = p_shard
      AND s.from_position = p_from AND s.to_position = p_to AND s.sha256 = p_sha256) THEN
    RETURN;
  END IF;
  IF v_archived IS NULL OR p_from <> v_archived + 1 THEN
    RAISE EXCEPTION 'archive-contended' USING ERRCODE = 'MR007', DETAIL = coalesce(v_archived, 0)::text;
  END IF;
  IF p_to > millrace.archive_limit(p_tenant, p_context, p_shard) THEN
    RAISE EXCEPTION 'archive-unproven' USING ERRCODE = 'MR008';
  END IF;
  INSERT INTO millrace.segment (tenant, context, shard, from_position, to_position, sha256, bytes, epoch, thinned_through)
    VALUES (p_tenant, p_context, p_shard, p_from, p_to, p_sha256, p_bytes, v_epoch, p_from - 1);
  UPDATE millrace.log_head h SET archived_through = p_to WHERE h.tenant = p_tenant AND h.context = p_context AND h.shard = p_shard;
END $$;

-- Thins the next rows of a registered segment. `p_digest` is SHA-256 over what the segment's file holds of them, as record_send of (position,
-- salt, envelope, data) in their order: it is compared with what this very statement takes out of the rows, so that a change made after the
-- segment was written is never lost. Raises MR009 when they differ; then nothing is thinned.
CREATE FUNCTION millrace.thin_events(p_tenant text, p_context text, p_shard integer, p_from bigint, p_to bigint, p_digest bytea)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
  v_segment millrace.segment;
  v_rows bigint;
  v_digest bytea;
BEGIN
  SELECT * INTO v_segment FROM millrace.segment s
    WHERE s.tenant = p_tenant AND s.context = p_context AND s.shard = p_shard AND p_from BETWEEN s.from_position AND s.to_position FOR UPDATE;
  IF v_segment.thinned_through >= p_to THEN
    RETURN 0;
  END IF;
  IF v_segment.to_position IS NULL OR p_to > v_segment.to_position OR p_from <> v_segment.thinned_through + 1 THEN
    RAISE EXCEPTION 'archive-contended' USING ERRCODE = 'MR007', DETAIL = coalesce(v_segment.thinned_through, 0)::text;
  END IF;
  WITH gone AS (
    UPDATE millrace.event e SET envelope = NULL, data = NULL, salt = NULL
    WHERE e.tenant = p_tenant AND e.context = p_context AND e.shard = p_shard AND e.position BETWEEN p_from AND p_to
    RETURNING old.position, old.salt, old.envelope, old.data)
  SELECT count(*), sha256(string_agg(record_send(row(g.position, g.salt, g.envelope, g.data)), ''::bytea ORDER BY g.position)) INTO v_rows, v_digest FROM gone g;
  IF v_rows <> p_to - p_from + 1 OR v_digest IS DISTINCT FROM p_digest THEN
    RAISE EXCEPTION 'segment-differs' USING ERRCODE = 'MR009';
  END IF;
  UPDATE millrace.segment s SET thinned_through = p_to
    WHERE s.tenant = p_tenant AND s.context = p_context AND s.shard = p_shard AND s.from_position = v_segment.from_position;
  RETURN v_rows;
END $$;

-- A kept reject's body and, of a conflict, the stored event's as it was when it was rejected; NULL when that was archived by then.
CREATE FUNCTION millrace.reject_bodies(p_tenant text, p_reject_id text) RETURNS TABLE (event_id text, body bytea, first_body bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.event_id, r.body, r.first_body FROM millrace.reject r WHERE r.tenant = p_tenant AND r.reject_id = p_reject_id
$$;

REVOKE ALL ON FUNCTION millrace.archive_limit(text, text, integer), millrace.register_segment(text, text, integer, bigint, bigint, bytea, bigint),
  millrace.thin_events(text, text, integer, bigint, bigint, bytea), millrace.reject_bodies(text, text) FROM PUBLIC;
