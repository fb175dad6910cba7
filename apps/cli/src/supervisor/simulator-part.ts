import type { PlatformClient } from '../client/platform-client.ts';
import { ownSourceKey, sourceKeyFile, type SourceWish } from '../client/source-keys.ts';
import type { Home } from '../home/home.ts';
import type { EnvironmentPlan } from '../provision/service-environment.ts';
import { nodeCommand } from './service-part.ts';
import { launchService, type ServiceCommand } from './service-process.ts';
import type { Part } from './part.ts';

/** A lively small shop: enough to see numbers move, little enough to leave a laptop alone. */
const DEMO = { tenant: 'demo', rate: 20, seed: 7 };

/** The simulated shop is the system of record of all it sells; its opening stock and list prices date from before today. */
export const simulatorSource = (tenant: string): SourceWish =>
  ({ tenant, name: 'simulator', recordOf: ['sales', 'customer', 'inventory', 'merchandise'], earliest: '2020-01-01T00:00:00Z' });

export interface SimulatorSurroundings {
  readonly inherited: Readonly<Record<string, string>>;
  readonly ingestionUrl: string;
  readonly natsUrl: string;
  readonly nkeySeedFile: string;
  readonly home: Home;
  readonly tenant: string;
}

/** Its environment: where intake and bus are, its own source key and nkey, nothing else. */
export const simulatorEnvironment = ({ inherited, ingestionUrl, natsUrl, nkeySeedFile, home, tenant }: SimulatorSurroundings): Record<string, string> => ({
  ...inherited,
  MILLRACE_INGESTION_HTTP_URL: ingestionUrl,
  MILLRACE_SOURCE_KEY_FILE: sourceKeyFile(home, tenant, 'simulator'),
  MILLRACE_NATS_URL: natsUrl,
  MILLRACE_NATS_SEED_FILE: nkeySeedFile,
});

const demoCommand = (home: Home, workspace: string, plan: EnvironmentPlan): ServiceCommand => ({
  name: 'simulator',
  ...nodeCommand(workspace, 'simulator', 'main', ['--tenant', DEMO.tenant, '--rate', String(DEMO.rate), '--seed', String(DEMO.seed)]),
  env: simulatorEnvironment({
    inherited: plan.inherited, ingestionUrl: `http://127.0.0.1:${plan.ports.ingestion}`, natsUrl: plan.natsUrl,
    nkeySeedFile: plan.nkeySeedFile('simulator'), home, tenant: DEMO.tenant,
  }),
  logFile: home.path('logs', 'simulator.log'),
});

/** The demo shop as a part: it makes its source when there is none, and is healthy while its process lives. */
export const simulatorPart = (home: Home, workspace: string, plan: EnvironmentPlan, client: PlatformClient): Part => {
  let alive = false;
  return {
    name: 'simulator', url: null,
    launch: async () => {
      await ownSourceKey(client, home, simulatorSource(DEMO.tenant));
      const running = await launchService(demoCommand(home, workspace, plan));
      alive = true;
      void running.exited.then(() => { alive = false; });
      return running;
    },
    healthy: async () => alive,
  };
};
