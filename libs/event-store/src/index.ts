export type { AppendOutcome, AppendUnit, EventStore, EventToAppend, KnownEvent, PlacedOutcome, RejectToKeep, SourceCount } from './event-store.ts';
export { leafHash } from './event-frame.ts';
export { applyGrants, grantStatements, roleOf, type ServiceAccess } from './grants.ts';
export type { GroupCommitLimits } from './group-commit.ts';
export { MAX_SHARDS, type LogShards } from './log-shards.ts';
export { migrateEventStore } from './migrate.ts';
export { PgEventStore, type PgEventStoreOptions } from './pg-event-store.ts';
export { LIMITS } from './prepared-unit.ts';
export { renewEpoch } from './renew-epoch.ts';
