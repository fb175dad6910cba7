-- The ledger: tiles of each log's Merkle tree (C2SP tlog-tiles) and its signed checkpoints. Kept beside the log so that a backup holds
-- both; nothing here is believed by verification, which has the witness's word and the public keys. Position p is leaf p - 1.

CREATE TABLE millrace.ledger_tile (
  tenant text COLLATE "C" NOT NULL,
  context text COLLATE "C" NOT NULL,
  shard integer NOT NULL,
  epoch bigint NOT NULL,
  level smallint NOT NULL CHECK (level BETWEEN 0 AND 63),
  index bigint NOT NULL CHECK (index >= 0),
  -- 1 to 256 hashes; a partial tile only ever grows.
  hashes bytea NOT NULL CHECK (octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0),
  PRIMARY KEY (tenant, context, shard, epoch, level, index)
);
-- Hashes don't compress.
ALTER TABLE millrace.ledger_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

CREATE TABLE millrace.ledger_checkpoint (
  tenant text COLLATE "C" NOT NULL,
  context text COLLATE "C" NOT NULL,
  shard integer NOT NULL,
  epoch bigint NOT NULL,
  size bigint NOT NULL CHECK (size > 0),
  root bytea NOT NULL CHECK (octet_length(root) = 32),
  -- The signed note, with the witness's signature once there is one.
  note text NOT NULL,
  cosigned boolean NOT NULL DEFAULT false,
  made_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant, context, shard, epoch, size)
);
CREATE INDEX ledger_checkpoint_cosigned ON millrace.ledger_checkpoint (tenant, context, shard, epoch, size) WHERE cosigned;

CREATE VIEW log.ledger_tile WITH (security_barrier) AS
  SELECT tenant, context, shard, epoch, level, index, hashes FROM millrace.ledger_tile;
CREATE VIEW log.ledger_checkpoint WITH (security_barrier) AS
  SELECT tenant, context, shard, epoch, size, root, note, cosigned, made_at FROM millrace.ledger_checkpoint;

-- Leaf hashes after a position, packed in order. `through` is the last position packed; less than `after` + n tells of a hole.
CREATE FUNCTION millrace.ledger_leaves(p_tenant text, p_context text, p_shard integer, p_after bigint, p_limit integer,
  OUT n bigint, OUT through bigint, OUT leaves bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
  SELECT count(*), max(e.position), string_agg(e.leaf, ''::bytea ORDER BY e.position)
  FROM (SELECT x.position, x.leaf FROM millrace.event x
    WHERE x.tenant = p_tenant AND x.context = p_context AND x.shard = p_shard AND x.position > p_after
    ORDER BY x.position LIMIT p_limit) e
$$;

-- Lets a tree grow from `p_from` to `p_size` leaves: tiles and checkpoint in one transaction. Raises MR010 when the tree stands elsewhere
-- by now (another builder was first), MR011 when a tile would change what it held.
CREATE FUNCTION millrace.ledger_extend(p_tenant text, p_context text, p_shard integer, p_epoch bigint,
  p_from bigint, p_size bigint, p_root bytea, p_note text, p_levels integer[], p_indexes bigint[], p_hashes bytea[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_size bigint;
  v_written integer;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(format('ledger %s %s %s %s', p_tenant, p_context, p_shard, p_epoch), 0));
  SELECT coalesce(max(c.size), 0) INTO v_size FROM millrace.ledger_checkpoint c
    WHERE c.tenant = p_tenant AND c.context = p_context AND c.shard = p_shard AND c.epoch = p_epoch;
  IF v_size <> p_from OR p_size <= p_from THEN
    RAISE EXCEPTION 'ledger-moved' USING ERRCODE = 'MR010', DETAIL = v_size::text;
  END IF;
  INSERT INTO millrace.ledger_tile AS t (tenant, context, shard, epoch, level, index, hashes)
    SELECT p_tenant, p_context, p_shard, p_epoch, n.level, n.index, n.hashes FROM unnest(p_levels, p_indexes, p_hashes) AS n(level, index, hashes)
    ON CONFLICT (tenant, context, shard, epoch, level, index) DO UPDATE SET hashes = EXCLUDED.hashes
      WHERE substring(EXCLUDED.hashes FOR octet_length(t.hashes)) = t.hashes;
  GET DIAGNOSTICS v_written = ROW_COUNT;
  IF v_written <> cardinality(p_levels) THEN
    RAISE EXCEPTION 'ledger-tile-differs' USING ERRCODE = 'MR011';
  END IF;
  INSERT INTO millrace.ledger_checkpoint (tenant, context, shard, epoch, size, root, note)
    VALUES (p_tenant, p_context, p_shard, p_epoch, p_size, p_root, p_note);
END $$;

-- Puts the witness's signature to a checkpoint. Earlier ones that it makes needless go: those never cosigned, and of one minute all but
-- the last.
CREATE FUNCTION millrace.ledger_cosign(p_tenant text, p_context text, p_shard integer, p_epoch bigint, p_size bigint, p_note text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH done AS (
    UPDATE millrace.ledger_checkpoint c SET note = p_note, cosigned = true
    WHERE c.tenant = p_tenant AND c.context = p_context AND c.shard = p_shard AND c.epoch = p_epoch AND c.size = p_size
    RETURNING c.made_at)
  DELETE FROM millrace.ledger_checkpoint c USING done
    WHERE c.tenant = p_tenant AND c.context = p_context AND c.shard = p_shard AND c.epoch = p_epoch AND c.size < p_size
      AND (NOT c.cosigned OR date_trunc('minute', c.made_at) = date_trunc('minute', done.made_at))
$$;

REVOKE ALL ON FUNCTION millrace.ledger_leaves(text, text, integer, bigint, integer), millrace.ledger_cosign(text, text, integer, bigint, bigint, text),
  millrace.ledger_extend(text, text, integer, bigint, bigint, bigint, bytea, text, integer[], bigint[], bytea[]) FROM PUBLIC;
