import { BaseRpcContext, EventPattern, Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { Counter, Gauge, type Registry } from 'prom-client';
import { lastValueFrom } from 'rxjs';
import { OrderedConsumers, type BatchHandler, type BusLink, type ConsumerStatus, type EventBatch } from '@millrace/event-bus';
import type { ProjectedEvent, Projection, Sql } from '@millrace/event-sourcing';
import { logName, type LogReader } from '@millrace/kernel';
import { durations } from './durations.ts';
import type { Logger } from './logger.ts';

const EVENTS = Symbol('millrace.events');

/** The transaction that will also hold the checkpoint: what a handler writes through it commits with it or not at all. */
export class EventContext extends BaseRpcContext<[Sql]> {
  get tx(): Sql {
    return this.getArgByIndex(0);
  }
}

/**
 * A controller's method that takes events of one type, in log order, as `(@Payload() event: ProjectedEvent, @Ctx() context: EventContext)`. It is awaited; an error
 * parks the event (DomainError `unavailable`: the batch is tried again). It may run more than once for an event whose transaction was lost.
 */
export const OnEvent = (type: string): MethodDecorator =>
  (target, key, descriptor) => { (EventPattern(type, EVENTS) as MethodDecorator)(target, key, descriptor); };

/** A loop that stops with a reason met an outage and will try again; without one it was told to. */
const levelOf = ({ state, reason }: ConsumerStatus): 'error' | 'warn' | 'info' => (state === 'diverged' ? 'error' : state === 'stopped' && reason !== undefined ? 'warn' : 'info');

export interface EventTransportOptions {
  /** Names the JetStream consumer; the nkey's permissions are for this name. */
  readonly service: string;
  /** Which of several running instances of the service this is; 0 unless told. */
  readonly instance?: number;
  /** As in service.yaml's `reads`. */
  readonly contexts: readonly string[];
  readonly reader: LogReader;
  readonly link?: BusLink;
  readonly logger: Logger;
  readonly metrics?: Registry;
  /** Given the projection made of the app's `@OnEvent` methods, e.g. `(onEvent) => projectionRunner({ …, projections: [sales, onEvent] })`. */
  readonly handler: (onEvent: Projection<Sql>) => BatchHandler;
  readonly batchEvents?: number;
  /** Least time between the beginnings of two batches of a log: see `LogConsumerOptions`. */
  readonly gatherMs?: number;
}

/** The app's own handler, made for this transport, with its `apply` timed. Per log and not per tenant: a histogram is a dozen series. */
const timed = (handler: BatchHandler, registry: Registry | undefined): BatchHandler => {
  if (registry === undefined) return handler;
  const measure = durations(registry, 'millrace_consumer_batch_duration_seconds', 'Time to apply a batch and commit it with its checkpoint', ['log']);
  const apply = handler.apply.bind(handler);
  return Object.assign(handler, { apply: (batch: EventBatch) => measure({ log: logName(batch.log) }, () => apply(batch)) });
};

/**
 * Nest's transport for events: one ordered loop per (service, log), checkpoint and effect in one transaction of the app's own database. Stock
 * transports acknowledge per message and run handlers side by side, which loses order. Pass its token in `startService`'s `transports`.
 */
export class EventTransport extends Server implements CustomTransportStrategy {
  override transportId = EVENTS;
  /** Nest would log and drop a handler's error; here it decides between parking and trying again. */
  override readonly propagatesEventHandlerErrors = true;
  private consumers: OrderedConsumers | undefined;

  constructor(private readonly options: EventTransportOptions) {
    super();
    if (options.metrics) this.measure(options.metrics);
  }

  listen(done: (error?: unknown) => void): void {
    const { service, contexts, reader, link, logger, batchEvents, gatherMs, metrics } = this.options;
    const applied = metrics && new Counter({ name: 'millrace_consumer_events_total', help: 'Events applied, by where they were read: a consumer that only reads the log has lost the bus', labelNames: ['tenant', 'log', 'from'], registers: [metrics] });
    const retries = metrics && new Counter({ name: 'millrace_consumer_retries_total', help: 'Times a consumer had to begin again, per log', labelNames: ['tenant', 'log'], registers: [metrics] });
    this.consumers = new OrderedConsumers({
      service, ...(this.options.instance === undefined ? {} : { instance: this.options.instance }), contexts, reader, handler: timed(this.options.handler(this.projection()), metrics), ...(link ? { link } : {}), ...(batchEvents === undefined ? {} : { batchEvents }), ...(gatherMs === undefined ? {} : { gatherMs }),
      onChange: (status) => logger[levelOf(status)](status, 'consumer changed'),
      onDiscoveryError: (error) => logger.warn({ err: error }, 'logs can not be listed'),
      onApplied: (log, events, from) => applied?.inc({ tenant: log.tenant, log: logName(log), from }, events),
      onResumed: (log, how, epoch) => logger.warn({ tenant: log.tenant, log: logName(log), how, epoch }, 'consumer followed a recovery'),
      onError: (error, log) => {
        retries?.inc({ tenant: log.tenant, log: logName(log) });
        logger.warn({ err: error, tenant: log.tenant, log: logName(log) }, 'consumer will try again');
      },
    });
    this.consumers.start();
    done();
  }

  /** Finishes the batch each loop has in hand. */
  async close(): Promise<void> {
    await this.consumers?.stop();
  }

  standing(): ConsumerStatus[] {
    return this.consumers?.status() ?? [];
  }

  override on(): void {
    throw new Error('This transport has no events of its own: ask for its standing().');
  }

  override unwrap<T>(): T {
    return this.consumers as T;
  }

  private projection(): Projection<Sql> {
    return {
      name: 'on-event', version: 1, types: [...this.messageHandlers.keys()],
      apply: async (tx, events) => {
        for (const event of events) await this.dispatch(event, new EventContext([tx]));
      },
    };
  }

  /** The base class connects the handler's stream and forgets it; the transaction must wait for it. */
  private async dispatch(event: ProjectedEvent, context: EventContext): Promise<void> {
    const handler = this.messageHandlers.get(event.stored.envelope.type);
    // Several methods for one type are joined by Nest into this one handler.
    if (handler) await lastValueFrom(this.transformToObservable(await handler(event, context)), { defaultValue: undefined });
  }

  private async lags(): Promise<{ tenant: string; log: string; lag: number }[]> {
    const { contexts, reader } = this.options;
    const positions = new Map(this.standing().map(({ tenant, log, position }) => [`${tenant} ${log}`, position]));
    return (await reader.heads()).filter((head) => contexts.includes(head.context))
      .map((head) => ({ tenant: head.tenant, log: logName(head), lag: Math.max(0, head.position - (positions.get(`${head.tenant} ${logName(head)}`) ?? 0)) }));
  }

  private measure(registry: Registry): void {
    const statuses = () => this.standing();
    const labelNames = ['tenant', 'log'] as const;
    new Gauge({ name: 'millrace_consumer_position', help: 'Last position applied, per log', labelNames, registers: [registry], collect() { for (const { tenant, log, position } of statuses()) this.set({ tenant, log }, position); } });
    new Gauge({ name: 'millrace_consumer_parked_events', help: 'Events parked, per log', labelNames, registers: [registry], collect() { for (const { tenant, log, parked } of statuses()) this.set({ tenant, log }, parked); } });
    new Gauge({ name: 'millrace_consumer_diverged', help: '1 while the consumer stands still because its checkpoint and the log differ', labelNames, registers: [registry], collect() { for (const { tenant, log, state } of statuses()) this.set({ tenant, log }, state === 'diverged' ? 1 : 0); } });
    const lags = () => this.lags();
    new Gauge({
      name: 'millrace_consumer_lag_events', help: 'Events committed to a log and not yet applied, per log', labelNames, registers: [registry],
      async collect() {
        this.reset();
        // Without the event database there is no head to compare with; /ready says that it is away, and the other metrics must still be printed.
        for (const { tenant, log, lag } of await lags().catch(() => [])) this.set({ tenant, log }, lag);
      },
    });
  }
}
