-- A context's streams are spread over its logs. A stream stays in the log of its first event for ever (append_events refuses another), so
-- the count only says where new streams go, and callers may hold different views of it: the unique keys settle who was first.

CREATE TABLE millrace.log_shards (
  tenant text COLLATE "C" NOT NULL CHECK (tenant ~ '^[a-z0-9-]{1,32}$'),
  context text COLLATE "C" NOT NULL CHECK (context ~ '^[a-z][a-z0-9-]{0,31}$'),
  -- Absent means one. 64 logs are far beyond what one server commits; each costs its readers a loop and two appending connections.
  shards integer NOT NULL CHECK (shards BETWEEN 2 AND 64),
  -- What the last raise found and when: a raise asked for again after a lost answer tells the same.
  shards_before integer NOT NULL CHECK (shards_before BETWEEN 1 AND shards - 1),
  raised_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant, context)
);

-- How many logs the context has, and for each stream the shard it lives in or, for a new one, the one it goes to: the first four bytes of
-- SHA-256 over its name, modulo the count. No homes while there is one log: then nothing is looked up.
CREATE FUNCTION millrace.place_streams(p_tenant text, p_context text, p_streams text[], OUT shards integer, OUT homes integer[])
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  PERFORM millrace.assert_append_grant(p_context);
  SELECT s.shards INTO shards FROM millrace.log_shards s WHERE s.tenant = p_tenant AND s.context = p_context;
  IF shards IS NULL THEN
    shards := 1;
    RETURN;
  END IF;
  SELECT array_agg(coalesce(home.shard,
      (('x' || encode(substring(sha256(convert_to(s.stream, 'UTF8')) FROM 1 FOR 4), 'hex'))::bit(32)::bigint % shards)::integer) ORDER BY s.n)
    INTO homes
    FROM unnest(p_streams) WITH ORDINALITY AS s(stream, n)
    LEFT JOIN LATERAL (SELECT e.shard FROM millrace.event e
      WHERE e.tenant = p_tenant AND e.stream = s.stream AND e.context = p_context ORDER BY e.stream_version DESC LIMIT 1) home ON true;
END $$;

-- Raises the count, never lowers it. The same count again changes nothing and tells of the raise that made it.
CREATE FUNCTION millrace.raise_shards(p_tenant text, p_context text, p_shards integer,
  OUT shards integer, OUT shards_before integer, OUT raised_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF p_shards > 1 THEN
    INSERT INTO millrace.log_shards AS s (tenant, context, shards, shards_before) VALUES (p_tenant, p_context, p_shards, 1)
      ON CONFLICT (tenant, context) DO UPDATE SET shards = excluded.shards, shards_before = s.shards, raised_at = clock_timestamp()
      WHERE s.shards < excluded.shards;
  END IF;
  SELECT s.shards, s.shards_before, s.raised_at INTO shards, shards_before, raised_at
    FROM millrace.log_shards s WHERE s.tenant = p_tenant AND s.context = p_context;
  shards := coalesce(shards, 1);
  shards_before := coalesce(shards_before, 1);
  IF shards > p_shards THEN
    RAISE EXCEPTION 'shards-only-grow' USING ERRCODE = 'MR003', DETAIL = shards::text;
  END IF;
END $$;

CREATE VIEW log.shard_count WITH (security_barrier) AS
  SELECT tenant, context, shards, shards_before, raised_at FROM millrace.log_shards s WHERE millrace.may_see(s.context);

REVOKE ALL ON FUNCTION millrace.place_streams(text, text, text[]), millrace.raise_shards(text, text, integer) FROM PUBLIC;
