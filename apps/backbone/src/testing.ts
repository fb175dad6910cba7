import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createUser } from '@nats-io/nkeys';
import { DEFAULT_STREAM_LIMITS, natsServerConfig } from '@millrace/event-bus';
import { roleOf, type AppendUnit } from '@millrace/event-store';
import type { LogKey } from '@millrace/kernel';
import { buildService, drainService, makeLogger, readServiceManifests } from '@millrace/service-kit';
import { freePort, ownNats, withClient } from '@millrace/testing';
import { backboneConfig, type BackboneConfig } from './backbone.config.ts';
import { prepareEventDatabase } from './event-log/owner.ts';
import { ledgerSettings } from './ledger/fixtures/ledger-settings.ts';

export const APPS = join(import.meta.dirname, '../..');
export const manifests = readServiceManifests(APPS);
/** How many the schema consists of: one file each. */
export const MIGRATIONS = readdirSync(join(APPS, '../libs/event-store/sql')).filter((name) => name.endsWith('.sql')).length;
export const PASSWORD = 'for-this-run';
export const TOKEN = 'operator-token';
/** Of who may look, and change nothing. */
export const CONSOLE_TOKEN = 'console-token';

/** Login roles of all services, as the supervisor makes them; they belong to the server, so another spec may have made them. */
export const ensureRoles = (url: string, services: readonly string[] = manifests.map(({ service }) => service)): Promise<void> => withClient(url, async (client) => {
  for (const role of services.map(roleOf)) {
    await client.query(`do $$ begin if not exists (select from pg_roles where rolname = '${role}') then create role ${role} login password '${PASSWORD}'; end if; end $$`);
  }
});

/** What `freshDatabase` runs for its template: the event database as it is before the services start. */
export const prepared = async (url: string): Promise<void> => {
  await ensureRoles(url);
  await prepareEventDatabase(url, manifests);
};

let serial = 0;

/** Units of one event each; `data` is stored as it is given. */
export const unitsOf = (log: LogKey, count: number, data: (n: number) => unknown = (n) => ({ n }), via = 'web'): AppendUnit[] => Array.from({ length: count }, (_, index) => {
  const id = `e-${serial += 1}`;
  const stream = `${log.context}.order/${id}`;
  return {
    stream, expectedVersion: 'any', events: [{
      envelope: {
        specversion: '1.0', id, source: '/spec', type: `${log.context}.order.placed`, version: 1, tenant: log.tenant, stream, time: '2026-11-01T00:00:00.000Z',
        receivedtime: '2026-11-01T00:00:01.000Z', via, fingerprint: createHash('sha256').update(id).digest('hex'),
      },
      data: Buffer.from(JSON.stringify(data(index + 1))),
    }],
  };
});

export const idsOf = (units: readonly AppendUnit[]): string[] => units.flatMap((unit) => unit.events.map(({ envelope }) => envelope.id));

export interface RunningBackbone {
  readonly app: NestFastifyApplication;
  readonly address: string;
  readonly segmentsDir: string;
  get(path: string, token?: string): Promise<Response>;
  json(path: string): Promise<unknown>;
  /** Drains as at SIGTERM. */
  close(): Promise<void>;
}

/** The app as it runs, listening on a port. `seed`: its nkey, one of its own for a server that takes anybody. */
export const runBackbone = async ({ eventsUrl, natsUrl, seed, foldCountersMs = 60_000, reconcileMs = 60_000, snapshotAlertMs = 60_000, ledger = {} }: { eventsUrl: string; natsUrl: string; seed?: string; foldCountersMs?: number; reconcileMs?: number; snapshotAlertMs?: number; ledger?: Partial<BackboneConfig> }): Promise<RunningBackbone> => {
  const secrets = await mkdtemp(join(tmpdir(), 'millrace-backbone-'));
  const natsSeedFile = join(secrets, 'nats.seed');
  await writeFile(natsSeedFile, seed ?? createUser().getSeed(), { mode: 0o600 });
  const config: BackboneConfig = {
    httpHost: '127.0.0.1', httpPort: 0, logLevel: 'fatal', otlpEndpoint: undefined, apiTokens: ([['operator', TOKEN], ['console', CONSOLE_TOKEN]] as const).map(([principal, token]) => ({ principal, sha256: createHash('sha256').update(token).digest() })),
    eventsUrl, natsUrl, natsSeedFile, foldCountersMs, reconcileMs, snapshotAlertMs, segmentsDir: join(secrets, 'segments'), streamMaxBytes: DEFAULT_STREAM_LIMITS.maxBytes, streamMaxAgeMs: DEFAULT_STREAM_LIMITS.maxAgeMs, ...await ledgerSettings(secrets), ...ledger,
  };
  const app = await buildService({ config: backboneConfig, module: async () => (await import('./app.module.ts')).AppModule }, config, makeLogger('backbone', 'fatal'));
  await app.listen(0, '127.0.0.1');
  const address = await app.getUrl();
  const get = (path: string, token = TOKEN): Promise<Response> => fetch(`${address}${path}`, { headers: { authorization: `Bearer ${token}` } });
  return {
    app, address, get, segmentsDir: join(secrets, 'segments'),
    json: async (path) => (await get(path)).json(),
    close: async () => {
      await drainService(app);
      await rm(secrets, { recursive: true, force: true });
    },
  };
};

/** A NATS as the platform configures it: permissions from the manifests, one nkey each, on a port it keeps over restarts. */
export const guardedNats = async () => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-guarded-'));
  const port = await freePort();
  const jetstream = join(dir, 'jetstream');
  const users = manifests.map((manifest) => ({ manifest, key: createUser() }));
  await writeFile(join(dir, 'nats.conf'), natsServerConfig({ port, storeDir: jetstream, users: users.map(({ manifest, key }) => ({ manifest, publicNkey: key.getPublicKey() })) }));
  const server = await ownNats(join(dir, 'nats.conf'));
  return {
    url: `nats://127.0.0.1:${port}`, jetstream, kill: server.kill, restart: server.restart,
    seedOf: (service: string): string => new TextDecoder().decode(users.find(({ manifest }) => manifest.service === service)?.key.getSeed()),
    remove: async () => {
      await server.remove();
      await rm(dir, { recursive: true, force: true });
    },
  };
};
