-- Redaction: personal data found too late gives way to its digest, so that the leaf, and every proof made of it, still holds. And what
-- verification reads: rows as they are, with what can only be told by looking around them.

-- SHA-256(salt | data) of an event whose data and salt are gone; NULL for all others.
ALTER TABLE millrace.event ADD COLUMN data_digest bytea;

CREATE TABLE millrace.redaction (
  tenant text COLLATE "C" NOT NULL,
  context text COLLATE "C" NOT NULL,
  shard integer NOT NULL,
  position bigint NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  -- The security.event.redacted that says so in the tenant's security/0.
  fact_id text COLLATE "C" NOT NULL,
  redacted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant, context, shard, position)
);
CREATE VIEW log.redaction WITH (security_barrier) AS
  SELECT tenant, context, shard, position, event_id, fact_id, redacted_at FROM millrace.redaction r WHERE millrace.may_see(r.context);

-- Only the redactor's role has it, and only for what a fact in the log says: there is no redaction without its fact. Repeating it changes
-- nothing. Raises MR012 without event or fact, MR013 when the event isn't what its leaf says (verify first: redacting would hide it).
CREATE FUNCTION millrace.redact_event(p_tenant text, p_id text, p_fact_id text,
  OUT context text, OUT shard integer, OUT "position" bigint, OUT already boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
  v_event millrace.event%ROWTYPE;
  v_digest bytea;
  v_fact jsonb;
  v_mark constant bytea := convert_to('{"$redacted":true}', 'UTF8');
BEGIN
  SELECT * INTO v_event FROM millrace.event e WHERE e.tenant = p_tenant AND e.id = p_id FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'event-unknown' USING ERRCODE = 'MR012';
  END IF;
  context := v_event.context;
  shard := v_event.shard;
  "position" := v_event.position;
  already := v_event.data_digest IS NOT NULL;
  SELECT convert_from(e.data, 'UTF8')::jsonb INTO v_fact FROM millrace.event e
    WHERE e.tenant = p_tenant AND e.id = p_fact_id AND e.context = 'security' AND e.shard = 0;
  IF v_fact IS NULL OR v_fact->>'eventId' <> p_id OR v_fact->>'context' <> v_event.context
    OR (v_fact->>'shard')::integer <> v_event.shard OR (v_fact->>'position')::bigint <> v_event.position THEN
    RAISE EXCEPTION 'redaction-without-fact' USING ERRCODE = 'MR012';
  END IF;
  IF already THEN
    RETURN;
  END IF;
  IF v_event.envelope IS NULL OR v_event.data IS NULL THEN
    RAISE EXCEPTION 'event-archived' USING ERRCODE = 'MR014';
  END IF;
  v_digest := sha256(v_event.salt || v_event.data);
  IF sha256('\x00'::bytea || v_event.envelope || v_digest) <> v_event.leaf THEN
    RAISE EXCEPTION 'redaction-leaf-differs' USING ERRCODE = 'MR013';
  END IF;
  UPDATE millrace.event e SET data = v_mark, salt = decode(repeat('00', 16), 'hex'), data_digest = v_digest WHERE e.tenant = p_tenant AND e.id = p_id;
  UPDATE millrace.reject r SET first_body = v_mark WHERE r.tenant = p_tenant AND r.event_id = p_id AND r.first_body IS NOT NULL;
  INSERT INTO millrace.redaction (tenant, context, shard, position, event_id, fact_id)
    VALUES (p_tenant, v_event.context, v_event.shard, v_event.position, p_id, p_fact_id) ON CONFLICT DO NOTHING;
END $$;

-- Rows of a log as they stand, bounded by number and bytes, for whoever verifies them: `preceded` counts the events of the stream's version
-- before, earlier in this log; `versions` the tenant's events of the same stream and version; `identities` those of the same id.
CREATE FUNCTION millrace.ledger_rows(p_tenant text, p_context text, p_shard integer, p_after bigint, p_limit integer, p_bytes bigint)
RETURNS TABLE ("position" bigint, id text, stream text, stream_version bigint, fingerprint bytea, salt bytea, leaf bytea, envelope bytea,
  data bytea, data_digest bytea, preceded bigint, versions bigint, identities bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
  SELECT e.position, e.id, e.stream, e.stream_version, e.fingerprint, e.salt, e.leaf, e.envelope, e.data, e.data_digest,
    (SELECT count(*) FROM millrace.event p WHERE p.stream = e.stream AND p.tenant = e.tenant AND p.stream_version = e.stream_version - 1
      AND p.context = e.context AND p.shard = e.shard AND p.position < e.position),
    (SELECT count(*) FROM millrace.event p WHERE p.stream = e.stream AND p.tenant = e.tenant AND p.stream_version = e.stream_version),
    (SELECT count(*) FROM millrace.event p WHERE p.id = e.id AND p.tenant = e.tenant)
  FROM (SELECT x.*, sum(coalesce(octet_length(x.data), 0)) OVER (ORDER BY x.position) - coalesce(octet_length(x.data), 0) AS bytes_before
    FROM (SELECT * FROM millrace.event y WHERE y.tenant = p_tenant AND y.context = p_context AND y.shard = p_shard AND y.position > p_after
      ORDER BY y.position LIMIT p_limit) x) e
  WHERE e.bytes_before < p_bytes
  ORDER BY e.position
$$;

REVOKE ALL ON FUNCTION millrace.redact_event(text, text, text), millrace.ledger_rows(text, text, integer, bigint, integer, bigint) FROM PUBLIC;
