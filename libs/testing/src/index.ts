export { freePort } from '@millrace/embedded';
export { eventually } from './eventually.ts';
export { dataSet, freshDatabase, natsUrl, ownNats, ownPostgres, postgresUrl, uniqueName, uniqueTenant, withClient, type TestDatabase } from './servers.ts';
export { inTransaction } from './transaction.ts';
export { faultProxy, httpAnswer, statementAnswer, type AnswerCut, type FaultProxy } from './fault-proxy.ts';
