-- Redaction of an archived event: its row takes its body back from the segment, is redacted as any other, and the segment follows. The row
-- keeps what is left of the body from then on, so that every reader sees the redaction with the commit, whatever file it has open.

-- Puts the body back into a thinned row. What is not the very body its leaf was made of changes nothing; nor does a row that has one, or
-- that was redacted before it was archived. Answers whether the row has changed.
CREATE FUNCTION millrace.refill_event(p_tenant text, p_context text, p_shard integer, p_position bigint, p_salt bytea, p_envelope bytea, p_data bytea)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
  UPDATE millrace.event e SET envelope = p_envelope, data = p_data, salt = p_salt
    WHERE e.tenant = p_tenant AND e.context = p_context AND e.shard = p_shard AND e.position = p_position
      AND e.envelope IS NULL AND e.data_digest IS NULL AND e.leaf = sha256('\x00'::bytea || p_envelope || sha256(p_salt || p_data));
  RETURN FOUND;
END $$;

-- Lets the manifest name another file for a segment in which events were redacted since. Raises MR007 when the manifest names a third file by
-- now, MR012 when no redaction in the range explains it.
CREATE FUNCTION millrace.replace_segment(p_tenant text, p_context text, p_shard integer, p_from bigint, p_old bytea, p_new bytea, p_bytes bigint)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_segment millrace.segment;
BEGIN
  SELECT * INTO v_segment FROM millrace.segment s
    WHERE s.tenant = p_tenant AND s.context = p_context AND s.shard = p_shard AND s.from_position = p_from FOR UPDATE;
  IF v_segment.sha256 IS DISTINCT FROM p_old THEN
    RAISE EXCEPTION 'archive-contended' USING ERRCODE = 'MR007', DETAIL = p_from::text;
  END IF;
  IF NOT EXISTS (SELECT FROM millrace.redaction r WHERE r.tenant = p_tenant AND r.context = p_context AND r.shard = p_shard
      AND r.position BETWEEN v_segment.from_position AND v_segment.to_position) THEN
    RAISE EXCEPTION 'segment-without-redaction' USING ERRCODE = 'MR012';
  END IF;
  UPDATE millrace.segment s SET sha256 = p_new, bytes = p_bytes
    WHERE s.tenant = p_tenant AND s.context = p_context AND s.shard = p_shard AND s.from_position = p_from;
END $$;
REVOKE ALL ON FUNCTION millrace.refill_event(text, text, integer, bigint, bytea, bytea, bytea), millrace.replace_segment(text, text, integer, bigint, bytea, bytea, bigint) FROM PUBLIC;
