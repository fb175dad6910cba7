import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createCurve } from '@nats-io/nkeys';
import { parseServiceManifest, type ServiceManifest } from '@millrace/contracts';
import { BusLink } from '@millrace/event-bus';
import { applyGrants, migrateEventStore, PgEventStore, roleOf, type EventStore } from '@millrace/event-store';
import { KEY_SUBJECTS, openKeyRequest, sealKeyAnswer, type KeyOperation, type KeyRequest, type SubjectKeys } from '@millrace/privacy';
import { InMemorySubjectKeys } from '@millrace/privacy/testing';
import { buildService, makeLogger } from '@millrace/service-kit';
import { freshDatabase, withClient, type TestDatabase } from '@millrace/testing';
import { parse } from 'yaml';
import { ingestionConfig, type IngestionConfig } from './ingestion.config.ts';
import { STORE } from './injection-tokens.ts';
import { rawBodies } from './raw-bodies.ts';
import type { SourceWish } from './sources/source.model.ts';

export const ROLE = roleOf('ingestion');
export const ROLE_PASSWORD = 'for-this-run';

export const ingestionManifest = async (): Promise<ServiceManifest> => parseServiceManifest(parse(await readFile(join(import.meta.dirname, '../service.yaml'), 'utf8')));

/** A migrated event database with ingestion's own role and rights, made from its service.yaml. */
export const freshEventDatabase = async (): Promise<TestDatabase> => {
  const database = await freshDatabase({ template: 'ingestion_events', migrate: async (url) => { await migrateEventStore(url); } });
  await withClient(database.url, async (client) => {
    const { rowCount } = await client.query('select from pg_roles where rolname = $1', [ROLE]);
    if (rowCount === 0) await client.query(`create role ${ROLE} login password '${ROLE_PASSWORD}'`);
    await applyGrants(client, [await ingestionManifest()]);
  });
  return database;
};

export const OPERATOR = 'operator-token';
export const CONSOLE = 'console-token';

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Security's half of the key exchange, with real curve keys on a real bus and subjects in memory. */
export class SecurityStandIn {
  readonly subjects = new InMemorySubjectKeys();
  private readonly own = createCurve();
  readonly publicKey = this.own.getPublicKey();

  private constructor(private readonly allowed: ReadonlySet<string>, readonly link: BusLink) {}

  /** Answers `query.security.keys.*` to the holder of the curve key `caller`. */
  static async answering(natsUrl: string, caller: string): Promise<SecurityStandIn> {
    const link = BusLink.open({ url: natsUrl, service: 'security' });
    const standIn = new SecurityStandIn(new Set([caller]), link);
    const nc = await link.ready(30_000);
    for (const operation of Object.keys(KEY_SUBJECTS) as KeyOperation[]) {
      nc.subscribe(KEY_SUBJECTS[operation], { callback: (_, message) => void standIn.answer(message.data).then((answer) => message.respond(answer)) });
    }
    return standIn;
  }

  private async answer(bytes: Uint8Array): Promise<Uint8Array> {
    const { from, request } = openKeyRequest(bytes, this.own, this.allowed);
    return sealKeyAnswer({ nonce: request.nonce, subjects: await this.subjectsOf(request) }, this.own, from);
  }

  private async subjectsOf(request: KeyRequest): Promise<readonly (SubjectKeys | undefined)[]> {
    const { tenant } = request;
    if (request.operation === 'resolve') return this.subjects.resolve(tenant, request.items);
    if (request.operation === 'find') return this.subjects.find(tenant, request.items.map(({ identifiers }) => identifiers), request.items[0]!.purposes);
    return this.subjects.keysOf(tenant, request.items.map(({ ref }) => ref), request.items[0]!.purposes);
  }
}

/** The app as it runs, on an event database and a database of its own, listening on a port, with security's half of the key exchange. */
export interface RunningIngestion {
  readonly app: NestFastifyApplication;
  readonly address: string;
  /** The app's own, with ingestion's rights. */
  readonly store: EventStore;
  /** Reads every log, as the owner. */
  readonly reader: EventStore;
  readonly subjects: InMemorySubjectKeys;
  readonly link: BusLink;
  readonly events: TestDatabase;
  /** Makes a source and answers its key. */
  source(wish: SourceWish): Promise<string>;
  admin(method: string, path: string, body?: unknown, token?: string): Promise<Response>;
  close(): Promise<void>;
}

export interface Servers {
  /** Migrated event database. */
  readonly events: TestDatabase;
  readonly natsUrl: string;
  /** Ingestion's own database; a fresh one unless given. */
  readonly databaseUrl?: string;
  readonly limits?: Partial<Pick<IngestionConfig, 'maxInFlightBytes' | 'maxInFlightRequests' | 'threads' | 'threadBytes'>>;
}

export const runIngestion = async ({ events, natsUrl, databaseUrl, limits }: Servers): Promise<RunningIngestion> => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-ingestion-'));
  const curve = createCurve();
  const xkeySeedFile = join(dir, 'xkey');
  await writeFile(xkeySeedFile, Buffer.from(curve.getSeed()));
  await chmod(xkeySeedFile, 0o600);
  const security = await SecurityStandIn.answering(natsUrl, curve.getPublicKey());
  const { link } = security;
  const own = databaseUrl === undefined ? await freshDatabase() : undefined;
  const config: Omit<IngestionConfig, 'natsSeedFile'> = {
    httpHost: '127.0.0.1', httpPort: 0, logLevel: 'fatal', otlpEndpoint: undefined, segmentsDir: undefined,
    apiTokens: [{ principal: 'operator', sha256: sha256(OPERATOR) }, { principal: 'console', sha256: sha256(CONSOLE) }],
    eventsUrl: events.urlAs(ROLE, ROLE_PASSWORD), databaseUrl: databaseUrl ?? own!.url, natsUrl, xkeySeedFile, securityXkey: security.publicKey,
    maxInFlightBytes: 48 * 1024 * 1024, maxInFlightRequests: 512, threads: 0, threadBytes: 0, ...limits,
  };
  const app = await buildService({ config: ingestionConfig, module: async () => (await import('./app.module.ts')).AppModule, http: rawBodies }, config as IngestionConfig, makeLogger('ingestion', 'fatal'));
  await app.listen(0, '127.0.0.1');
  const address = await app.getUrl();
  const reader = PgEventStore.connect({ url: events.url, applicationName: 'spec' });
  const admin = (method: string, path: string, body?: unknown, token = OPERATOR): Promise<Response> =>
    fetch(`${address}${path}`, { method, headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return {
    app, address, link, events, reader, store: app.get<EventStore>(STORE, { strict: false }), subjects: security.subjects, admin,
    source: async (wish) => ((await (await admin('POST', '/v1/sources', wish)).json()) as { key: string }).key,
    close: async () => {
      await app.close();
      await reader.close();
      await link.close();
      await own?.drop();
      await rm(dir, { recursive: true, force: true });
    },
  };
};
