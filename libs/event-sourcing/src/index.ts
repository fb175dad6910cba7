export { commandHandler, loadStream, type CommandHandlerOptions, type CommandMetadata, type CommandOutcome, type StreamOwner } from './command-handler.ts';
export { asOfCheckpoints, CONSUMER_TABLES_DOWN, CONSUMER_TABLES_UP, sqlCheckpoints, sqlParked } from './consumer-tables.ts';
export { FactLog, type OwnFact, type RecordedFact } from './fact-log.ts';
export { deciderSpec, type Decision } from './given.ts';
export type { CheckpointStore, ParkedEvent, ParkedStore, ProjectedEvent, Projection, TransactionScope } from './projection.ts';
export { isTransient, projectionRunner, type ProjectionRunnerOptions } from './projection-runner.ts';
export { rowsOf, type Sql, type Statement } from './sql.ts';
export { statementProjection } from './statement-projection.ts';
