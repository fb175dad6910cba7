-- The event log. Positions are dense and in commit order because an appender holds the row of its log's head for one batch;
-- the head is locked, never updated, so it leaves no dead rows behind a long snapshot.

CREATE SCHEMA IF NOT EXISTS millrace;
CREATE SCHEMA log;
REVOKE ALL ON SCHEMA millrace, log FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

CREATE TABLE millrace.log_head (
  tenant text COLLATE "C" NOT NULL CHECK (tenant ~ '^[a-z0-9-]{1,32}$'),
  context text COLLATE "C" NOT NULL CHECK (context ~ '^[a-z][a-z0-9-]{0,31}$'),
  shard integer NOT NULL CHECK (shard BETWEEN 0 AND 9999),
  -- Seconds since 1970 when the log was made or recovered; only ever grows.
  epoch bigint NOT NULL CHECK (epoch > 0),
  -- Positions up to here may have left the table; the next position is above both this and the highest one present.
  archived_through bigint NOT NULL DEFAULT 0 CHECK (archived_through >= 0),
  PRIMARY KEY (tenant, context, shard)
);

-- Three keys: place in the log, identity within the tenant, version within the stream. The last two are for ever.
CREATE TABLE millrace.event (
  tenant text COLLATE "C" NOT NULL,
  context text COLLATE "C" NOT NULL,
  shard integer NOT NULL,
  position bigint NOT NULL,
  id text COLLATE "C" NOT NULL,
  stream text COLLATE "C" NOT NULL,
  stream_version bigint NOT NULL,
  -- HMAC over the plaintext: tells a retry from another body under the same id.
  fingerprint bytea NOT NULL,
  salt bytea NOT NULL,
  leaf bytea NOT NULL,
  envelope bytea NOT NULL,
  data bytea NOT NULL,
  CONSTRAINT event_place PRIMARY KEY (tenant, context, shard, position),
  -- What tells rows apart stands first: a key is compared tens of times per insert. Sizes are checked per batch by append_events, the
  -- only writer: a CHECK here costs a tenth of the insert.
  CONSTRAINT event_identity UNIQUE (id, tenant),
  CONSTRAINT event_stream_version UNIQUE (stream, tenant, stream_version)
);

-- Counter deltas per source; summed on reading, folded together now and then by compact_counts.
CREATE TABLE millrace.intake_count (
  tenant text COLLATE "C" NOT NULL,
  source text COLLATE "C" NOT NULL,
  outcome text COLLATE "C" NOT NULL CHECK (outcome IN ('received', 'accepted', 'duplicate', 'rejected')),
  n bigint NOT NULL
);

-- Rejected events and conflicts (same id, another body). `seq` only orders the listing.
CREATE TABLE millrace.reject (
  tenant text COLLATE "C" NOT NULL,
  reject_id text COLLATE "C" NOT NULL,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  via text COLLATE "C" NOT NULL,
  event_id text COLLATE "C",
  type text COLLATE "C",
  version integer,
  pointer text NOT NULL,
  code text NOT NULL,
  reason text NOT NULL,
  received_at timestamptz NOT NULL,
  body bytea NOT NULL,
  -- The stored event's body, for a conflict.
  first_body bytea,
  PRIMARY KEY (tenant, reject_id)
);
CREATE UNIQUE INDEX reject_listing ON millrace.reject (tenant, seq);

-- Which login role may append to which context: written by the owner, from the services' manifests.
CREATE TABLE millrace.append_grant (
  role text NOT NULL,
  context text NOT NULL,
  PRIMARY KEY (role, context)
);
