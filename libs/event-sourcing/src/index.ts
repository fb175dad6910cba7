export type { CheckpointStore, ProjectedEvent, TransactionScope } from './projection.ts';
