// The smallest app, run as a process by process.int.spec.ts.
import { defineConfig, startService } from './index.ts';

await startService({ config: defineConfig('probe', {}), module: async () => (await import('./probe-app.ts')).ProbeAppModule });
