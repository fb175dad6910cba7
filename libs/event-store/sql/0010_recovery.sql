-- A log's epochs: which recovery made each, and from where on it may hold other events than the epoch before. A row is the operator's
-- word that what is ahead of the log, or beside it, is to give way: relay and consumers of older epochs follow it by themselves.

CREATE TABLE millrace.log_epoch (
  tenant text COLLATE "C" NOT NULL,
  context text COLLATE "C" NOT NULL,
  shard integer NOT NULL,
  epoch bigint NOT NULL,
  -- The first position that is not known to hold the previous epoch's event.
  from_position bigint NOT NULL CHECK (from_position >= 1),
  previous_epoch bigint NOT NULL CHECK (previous_epoch >= 0 AND previous_epoch < epoch),
  -- Where the log stood at its recovery, and the furthest position anybody had seen of it.
  head bigint NOT NULL CHECK (head >= 0),
  previous_head bigint NOT NULL CHECK (previous_head >= 0),
  reason text NOT NULL CHECK (octet_length(reason) <= 1000),
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant, context, shard, epoch)
);

CREATE VIEW log.log_epoch WITH (security_barrier) AS
  SELECT e.tenant, e.context, e.shard, e.epoch, e.from_position, e.previous_epoch, e.head, e.previous_head, e.reason, e.at
  FROM millrace.log_epoch e WHERE millrace.may_see(e.context);

-- Gives a log a new epoch, above `p_above` and the present one. `p_expected` is the epoch the caller has explained (0: no such log; then
-- `p_above` counts as the epoch before): a caller who comes second, or again, gets the epoch that was made from it and makes none. From its
-- commit on, appends of the old epoch are refused.
CREATE FUNCTION millrace.renew_log_epoch(p_tenant text, p_context text, p_shard integer, p_expected bigint, p_above bigint, p_from bigint,
  p_previous_head bigint, p_reason text)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_now bigint := floor(extract(epoch FROM clock_timestamp()))::bigint;
  v_previous bigint := coalesce(nullif(p_expected, 0), p_above);
  v_present bigint;
  v_head bigint;
  v_epoch bigint;
BEGIN
  -- A log that is gone has no row to lock: one recovery of it at a time.
  PERFORM pg_advisory_xact_lock(hashtextextended(p_tenant || '/' || p_context || '/' || p_shard, 7400010));
  SELECT h.epoch INTO v_present FROM millrace.log_head h
    WHERE h.tenant = p_tenant AND h.context = p_context AND h.shard = p_shard FOR UPDATE;
  IF coalesce(v_present, 0) <> p_expected THEN
    SELECT e.epoch INTO v_epoch FROM millrace.log_epoch e
      WHERE e.tenant = p_tenant AND e.context = p_context AND e.shard = p_shard AND e.epoch = v_present AND e.previous_epoch = v_previous;
    IF v_epoch IS NULL THEN
      RAISE EXCEPTION 'epoch-renewed' USING ERRCODE = 'MR001', DETAIL = coalesce(v_present, 0)::text;
    END IF;
    RETURN v_epoch;
  END IF;
  v_epoch := greatest(p_expected + 1, p_above + 1, v_now);
  INSERT INTO millrace.log_head (tenant, context, shard, epoch) VALUES (p_tenant, p_context, p_shard, v_epoch)
    ON CONFLICT (tenant, context, shard) DO UPDATE SET epoch = excluded.epoch;
  SELECT greatest(h.archived_through, (SELECT max(e.position) FROM millrace.event e WHERE e.tenant = p_tenant AND e.context = p_context AND e.shard = p_shard))
    INTO STRICT v_head FROM millrace.log_head h WHERE h.tenant = p_tenant AND h.context = p_context AND h.shard = p_shard;
  INSERT INTO millrace.log_epoch (tenant, context, shard, epoch, from_position, previous_epoch, head, previous_head, reason)
    VALUES (p_tenant, p_context, p_shard, v_epoch, p_from, v_previous, v_head, greatest(p_previous_head, v_head), p_reason);
  RETURN v_epoch;
END $$;
REVOKE ALL ON FUNCTION millrace.renew_log_epoch(text, text, integer, bigint, bigint, bigint, bigint, text) FROM PUBLIC;
