import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceManifest } from '@millrace/contracts';
import { DomainError } from '@millrace/kernel';
import type { Home } from '../home/home.ts';
import { serviceEnvironment, witnessEnvironment, type EnvironmentPlan, type HttpService } from '../provision/service-environment.ts';
import { launchService } from './service-process.ts';
import type { Part } from './part.ts';

/** A healthy service answers in milliseconds; a stuck one must not hold up the status of the others. */
const HEALTH_TIMEOUT_MS = 3000;

export const answersReady = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) }).then(async (response) => {
    await response.body?.cancel();
    return response.ok;
  }, () => false);

const builtEntry = (workspace: string, app: string, entry: string): string => {
  const file = join(workspace, 'apps', app, 'dist', `${entry}.js`);
  if (existsSync(file)) return file;
  throw new DomainError('not-found', 'not-built', { app }, `apps/${app} is not built (dist/${entry}.js is missing): run \`npm run build\` in ${workspace}`);
};

/** How an app of this workspace is run: the Node we run on, with bounded memory. */
export const nodeCommand = (workspace: string, app: string, entry = 'main', args: readonly string[] = []): { command: string; args: string[]; cwd: string } =>
  ({ command: process.execPath, args: ['--enable-source-maps', '--disable-warning=ExperimentalWarning', '--max-old-space-size=512', builtEntry(workspace, app, entry), ...args], cwd: workspace });

/** One of the services as a part to supervise; healthy when its /ready says so. */
export const servicePart = (home: Home, workspace: string, plan: EnvironmentPlan, manifest: ServiceManifest & { service: HttpService }): Part => {
  const url = `http://127.0.0.1:${plan.ports[manifest.service]}`;
  return {
    name: manifest.service, url,
    launch: async () => launchService({
      name: manifest.service, ...nodeCommand(workspace, manifest.service),
      env: serviceEnvironment(plan, manifest), logFile: home.path('logs', `${manifest.service}.log`),
    }),
    healthy: () => answersReady(`${url}/ready`),
  };
};

/** The ledger's witness: a process apart, so that who holds backbone or the database doesn't hold its memory and its key. */
export const witnessPart = (home: Home, workspace: string, plan: EnvironmentPlan): Part => {
  const url = `http://127.0.0.1:${plan.ports.witness}`;
  return {
    name: 'witness', url,
    launch: async () => launchService({ name: 'witness', ...nodeCommand(workspace, 'backbone', 'witness'), env: witnessEnvironment(plan), logFile: home.path('logs', 'witness.log') }),
    healthy: () => answersReady(`${url}/ready`),
  };
};
