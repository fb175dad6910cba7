import { BIGINT, BLOB, BOOLEAN, INTEGER, VARCHAR } from '@duckdb/node-api';
import type { TableDefinition } from '../duckdb/table-definition.ts';

/** Builds of the star beside each other, each in a schema with star, load position and parked events of its own; the first is `main`. */
export const STAR_BUILD: TableDefinition = {
  name: 'star_build',
  columns: [['build', INTEGER], ['version', INTEGER], ['schema_name', VARCHAR], ['state', VARCHAR], ['revision', INTEGER], ['announced', BOOLEAN], ['switched', VARCHAR]],
};

/** Up to where each log is loaded: committed with the rows, so neither a crash nor a repeated batch can load an event twice. */
export const LOAD_POSITION: TableDefinition = {
  name: 'load_position',
  columns: [['tenant', VARCHAR], ['context', VARCHAR], ['shard', INTEGER], ['epoch', BIGINT], ['position', BIGINT], ['leaf', BLOB]],
};

/** The lake's manifest: a Parquet file exists for Millrace when it is named here, whatever lies in the folder. */
export const LAKE_SEGMENT: TableDefinition = {
  name: 'lake_segment',
  columns: [['tenant', VARCHAR], ['context', VARCHAR], ['shard', INTEGER], ['epoch', BIGINT], ['first', BIGINT], ['last', BIGINT], ['bytes', BIGINT]],
};

/** Events an operator took out of the star for good; the fact of it is in the backbone's log. Raw, they stay in the lake. */
export const DISCARDED_EVENT: TableDefinition = {
  name: 'discarded_event',
  columns: [['tenant', VARCHAR], ['context', VARCHAR], ['shard', INTEGER], ['position', BIGINT], ['event_id', VARCHAR], ['reason', VARCHAR]],
};

/** Events that facts of redaction name: without data in lake and star, however and whenever they come. */
export const REDACTED_EVENT: TableDefinition = {
  name: 'redacted_event',
  columns: [['tenant', VARCHAR], ['context', VARCHAR], ['shard', INTEGER], ['position', BIGINT], ['event_id', VARCHAR]],
};

/** Events whose facts could not be loaded, and the later ones of their streams. Raw, they are in the lake like all others. */
export const PARKED_EVENT: TableDefinition = {
  name: 'parked_event',
  columns: [['tenant', VARCHAR], ['context', VARCHAR], ['shard', INTEGER], ['position', BIGINT], ['event_id', VARCHAR], ['stream', VARCHAR], ['code', VARCHAR], ['reason', VARCHAR], ['type', VARCHAR], ['parked_ms', BIGINT]],
};
