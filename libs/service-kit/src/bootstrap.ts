import 'reflect-metadata';
import { Module, type DynamicModule, type InjectionToken, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { BusLink } from '@millrace/event-bus';
import { type ConfigDefinition, printableConfig, processEnvironment } from './env.config.ts';
import { checkEnvironment, nearMisses, problemText } from './environment-check.config.ts';
import { Closing } from './closing.ts';
import { METRICS } from './injection-tokens.ts';
import { measureHttp } from './http-metrics.ts';
import { KitModule } from './kit.module.ts';
import { loggableError, makeLogger, nestLogger, type Logger } from './logger.ts';
import { Readiness } from './readiness.ts';
import { RequestTransport } from './request-transport.ts';
import { readSecretFile } from './secret-file.ts';
import type { HttpConfig } from './shared.config.ts';
import { startTelemetry } from './telemetry.ts';

export interface HttpOptions {
  /** Largest request body; 1 MiB unless told. */
  readonly bodyLimitBytes?: number;
  /** False when `prepare` registers its own content type parsers. */
  readonly bodyParser?: boolean;
  /** Called on the Fastify instance before Nest adds its routes. */
  readonly prepare?: (fastify: FastifyInstance) => void | Promise<void>;
}

export interface ServiceParts<C extends HttpConfig> {
  readonly config: ConfigDefinition<C>;
  /** Imports the app's module; a function, because telemetry must hook pg before anything imports it. */
  readonly module: () => Promise<Type>;
  /** Tokens of further Nest transport strategies (`EventTransport`); the request transport is always there when NATS is configured. */
  readonly transports?: readonly InjectionToken[];
  readonly http?: HttpOptions;
}

const DEFAULT_BODY_LIMIT_BYTES = 1024 * 1024;
/** A client that sends its request slower than this is cut off. */
const REQUEST_TIMEOUT_MS = 30_000;
/** How long requests and batches in flight get at SIGTERM; a supervisor waits longer than this before it kills. */
const DRAIN_MS = 10_000;
const IDLE_SWEEP_MS = 50;

@Module({})
class Root {}

/**
 * Builds an app without listening: what `startService` does after reading the environment, and what an app's own tests use. The caller closes it.
 * NATS is linked when the config has `natsUrl`; the app starts while it is away.
 */
export const buildService = async <C extends HttpConfig>(parts: ServiceParts<C>, config: C, logger: Logger): Promise<NestFastifyApplication> => {
  const { service } = parts.config;
  const link = await linkOf(service, config, logger);
  const adapter = new FastifyAdapter({ bodyLimit: parts.http?.bodyLimitBytes ?? DEFAULT_BODY_LIMIT_BYTES, requestTimeout: REQUEST_TIMEOUT_MS, forceCloseConnections: 'idle', routerOptions: { maxParamLength: 512 } });
  const root: DynamicModule = { module: Root, imports: [KitModule.with({ service, config, logger, ...(link ? { link } : {}) }), await parts.module()] };
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, { logger: nestLogger(logger), abortOnError: false, bodyParser: parts.http?.bodyParser ?? true });
  const fastify = app.getHttpAdapter().getInstance();
  measureHttp(fastify, app.get<Registry>(METRICS));
  await parts.http?.prepare?.(fastify);
  // There and back: a server that hangs keeps its connections.
  if (link) app.get(Readiness).add('nats', () => link.connection().rtt());
  for (const token of [...(link ? [RequestTransport] : []), ...(parts.transports ?? [])]) {
    app.connectMicroservice({ strategy: app.get(token) }, { inheritAppConfig: true });
  }
  await app.init();
  await app.startAllMicroservices();
  return app;
};

const linkOf = async (service: string, config: object, logger: Logger): Promise<BusLink | undefined> => {
  if (!('natsUrl' in config) || typeof config.natsUrl !== 'string') return undefined;
  const seed = 'natsSeedFile' in config && typeof config.natsSeedFile === 'string' ? await readSecretFile(config.natsSeedFile) : undefined;
  return BusLink.open({
    url: config.natsUrl, service, ...(seed === undefined ? {} : { seed }),
    onChange: (change) => {
      if (change.kind === 'error') logger.warn({ err: change.error }, 'bus error');
      else logger[change.kind === 'down' ? 'warn' : 'info']({ link: change.kind }, 'bus link changed');
    },
  });
};

/** Stops accepting, finishes what is in flight, closes transports, pools and NATS. Cuts connections that don't end by themselves. */
export const drainService = async (app: NestFastifyApplication): Promise<void> => {
  app.get(Readiness).drain();
  app.get(Closing).begin();
  const server = app.getHttpServer();
  // A kept-alive connection that is busy now becomes idle after the server has closed its idle ones: look again until none is left.
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
    clearInterval(sweep);
  }
};

/**
 * The whole of an app's main: reads and checks the environment (all errors together, exit 1), answers `--check-config`, starts telemetry, builds,
 * listens, and on SIGTERM or SIGINT drains and exits 0. A start that fails says why in one line and exits 1.
 */
export const startService = async <C extends HttpConfig>(parts: ServiceParts<C>): Promise<void> => {
  const environment = processEnvironment();
  for (const warning of nearMisses(parts.config, environment)) process.stderr.write(`${parts.config.service}: ${warning}\n`);
  const reading = checkEnvironment(parts.config, environment);
  if (!reading.ok) {
    process.stderr.write(`${parts.config.service}: ${problemText(reading.problems)}\n`);
    process.exitCode = 1;
    return;
  }
  if (process.argv.includes('--check-config')) {
    process.stdout.write(`${JSON.stringify(printableConfig(parts.config, reading.config), null, 2)}\n`);
    return;
  }
  const { config } = reading;
  const logger = makeLogger(parts.config.service, config.logLevel);
  const signalled = firstSignal();
  try {
    const telemetry = await startTelemetry(parts.config.service, config.otlpEndpoint);
    const app = await buildService(parts, config, logger);
    await app.listen(config.httpPort, config.httpHost);
    if (config.clockOffsetMs !== undefined) logger.warn({ clockOffsetMs: config.clockOffsetMs }, 'the clock is moved for a fault drill');
    logger.info({ url: await app.getUrl(), node: process.version }, 'listening');
    void signalled.then((signal) => drainAndExit(signal, app, logger, telemetry.stop));
  } catch (error) {
    // Before any event has come in, an error's text can hold no personal data, and it is all the operator has.
    const spoken = logger.child({}, { serializers: { err: (err: unknown) => ({ ...loggableError(err), message: err instanceof Error ? err.message : String(err) }) } });
    spoken.fatal({ err: error }, 'start failed');
    process.exit(1);
  }
};

/** Listened for from the beginning: parts work before the service listens, and must not be torn off. Such a signal is answered once it does. */
const firstSignal = (): Promise<string> => new Promise((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => { resolve(signal); });
});

const drainAndExit = async (signal: string, app: NestFastifyApplication, logger: Logger, stopTelemetry: () => Promise<void>): Promise<void> => {
  logger.info({ signal }, 'draining');
  try {
    await drainService(app);
    logger.info('drained');
    await stopTelemetry();
    process.exit(0);
  } catch (error) {
    logger.fatal({ err: error }, 'drain failed');
    process.exit(1);
  }
};
