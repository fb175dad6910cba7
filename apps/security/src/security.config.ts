import { defineConfig, setting, shared, type ConfigOf } from '@millrace/service-kit';
import { z } from 'zod';

const CALLER = /^([a-z][a-z0-9-]{0,31}):(X[A-Z2-7]{55})$/;

/** Service name by public curve key. */
const callers: z.ZodType<ReadonlyMap<string, string>> = z.string().transform((text, context) => {
  const pairs = text.split(',').map((entry) => CALLER.exec(entry.trim()));
  if (pairs.some((pair) => !pair)) context.issues.push({ code: 'custom', message: 'expected a comma-separated list of <service>:<public curve key>', input: '' });
  return new Map(pairs.flatMap((pair) => (pair ? [[pair[2]!, pair[1]!] as const] : [])));
});

/** Everything security takes from its environment. */
export const securityConfig = defineConfig('security', {
  eventsUrl: shared.eventsUrl,
  segmentsDir: shared.segmentsDir,
  databaseUrl: shared.databaseUrl,
  keysUrl: shared.keysUrl,
  natsUrl: shared.natsUrl,
  natsSeedFile: shared.natsSeedFile,
  xkeySeedFile: shared.xkeySeedFile,
  xkeys: setting('MILLRACE_XKEYS', callers, shared.xkeys.about),
  rootKeyFile: shared.rootKeyFile,
});
export type SecurityConfig = ConfigOf<typeof securityConfig>;
