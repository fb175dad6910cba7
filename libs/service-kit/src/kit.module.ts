import { readFileSync } from 'node:fs';
import { Global, Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { BusLink } from '@millrace/event-bus';
import { Closing } from './closing.ts';
import { clockOf } from './drill-clock.ts';
import { CLOCK, CONFIG, LOGGER, METRICS, SERVICE } from './injection-tokens.ts';
import type { Logger } from './logger.ts';
import { OperationsController } from './operations.controller.ts';
import { ProblemFilter } from './problem-filter.ts';
import { Readiness } from './readiness.ts';
import { RequestTransport } from './request-transport.ts';
import type { HttpConfig } from './shared.config.ts';
import { TokenGuard } from './token-guard.ts';

/** All parts of a platform bear one version. */
const { version: VERSION } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

export interface KitParts {
  readonly service: string;
  readonly config: HttpConfig;
  readonly logger: Logger;
  /** The service's link to NATS; absent when its config names no NATS. */
  readonly link?: BusLink;
}

/** Whoever uses the link is made after it, and so closed before it: a relay must not find it draining under its batches. */
const closedLast = (closing: Closing, link: BusLink): BusLink => {
  closing.add('nats', () => link.close());
  return link;
};

/** What every service has: config, logger, metrics, health, guard, problem answers, and the bus link with its request transport. */
@Global()
@Module({})
export class KitModule {
  static with({ service, config, logger, link }: KitParts): DynamicModule {
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    new Gauge({ name: 'millrace_build_info', help: '1, with the version that runs', labelNames: ['version'], registers: [registry] }).set({ version: VERSION }, 1);
    const bus = link === undefined ? [] : [
      { provide: BusLink, inject: [Closing], useFactory: (closing: Closing) => closedLast(closing, link) },
      { provide: RequestTransport, useFactory: () => new RequestTransport(service, link, logger, registry) },
    ];
    return {
      module: KitModule,
      controllers: [OperationsController],
      providers: [
        { provide: SERVICE, useValue: service }, { provide: CONFIG, useValue: config }, { provide: CLOCK, useValue: clockOf(config) }, { provide: LOGGER, useValue: logger }, { provide: METRICS, useValue: registry },
        Readiness, Closing, ...bus,
        { provide: APP_FILTER, useClass: ProblemFilter }, { provide: APP_GUARD, useClass: TokenGuard },
      ],
      exports: [SERVICE, CONFIG, CLOCK, LOGGER, METRICS, Readiness, Closing, ...bus.map((provider) => provider.provide)],
    };
  }
}
