import type { QueryJob } from './query-job.ts';
import { runQuery } from './run-query.ts';

// The process in which queries run: started by the service with an empty environment, ended by it when a query takes too long. A parent
// that dies takes it along, even while a query keeps a thread busy.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

process.on('message', (job: QueryJob) => {
  void runQuery(job).then((outcome) => process.send?.(outcome));
});

process.send?.('ready');
