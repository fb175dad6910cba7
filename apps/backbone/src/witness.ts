import { startService } from '@millrace/service-kit';
import { witnessConfig } from './witness/witness.config.ts';
import { witnessHttp } from './witness/protocol-http.ts';

// A process of its own: no Postgres, no NATS, nothing of the log but what is submitted to it.
await startService({ config: witnessConfig, http: witnessHttp, module: async () => (await import('./witness/witness.module.ts')).WitnessModule });
