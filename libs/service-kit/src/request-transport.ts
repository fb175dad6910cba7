import { BaseRpcContext, MessagePattern, Server, type CustomTransportStrategy } from '@nestjs/microservices';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { Registry } from 'prom-client';
import { lastValueFrom } from 'rxjs';
import { inSpan, respond, respondError, type BusLink } from '@millrace/event-bus';
import { DomainError, isDomainError } from '@millrace/kernel';
import { durations, type Durations } from './durations.ts';
import type { Logger } from './logger.ts';

const REQUESTS = Symbol('millrace.requests');

interface AnswerSpec { readonly as: 'json' | 'bytes' }

/** The subject a question came on (a pattern may end in `.>`). Injected by Nest's `@Ctx()`, beside the question's `@Payload()`. */
export class RequestContext extends BaseRpcContext<[string]> {
  get subject(): string {
    return this.getArgByIndex(0);
  }
}

/**
 * A method that answers questions on a NATS subject. `json` (default): the parameter is the parsed body and the result is sent as JSON;
 * `bytes`: both are Uint8Array. Errors cross as they are when they are DomainErrors. Instances of a service share the questions.
 */
export const Answers = (subject: string, as: AnswerSpec['as'] = 'json'): MethodDecorator =>
  (target, key, descriptor) => { (MessagePattern(subject, REQUESTS, { as }) as MethodDecorator)(target, key, descriptor); };

const utf8 = new TextDecoder('utf-8', { fatal: true });

const parseJson = (bytes: Uint8Array): unknown => {
  try {
    return bytes.length === 0 ? undefined : JSON.parse(utf8.decode(bytes));
  } catch {
    throw new DomainError('invalid', 'question-malformed', { bytes: bytes.length }, 'Expected the question as JSON in UTF-8.');
  }
};

/**
 * Nest's request/reply over NATS on the service's one connection. Nest's own NATS transport opens a second connection, wraps every payload in
 * its JSON envelope (so no encrypted bytes) and reduces errors to a text; this one is three screens and does neither.
 */
export class RequestTransport extends Server implements CustomTransportStrategy {
  override transportId = REQUESTS;
  private subscriptions: Subscription[] = [];
  private readonly running = new Set<Promise<void>>();

  private readonly measure: Durations<'subject'>;

  constructor(private readonly service: string, private readonly link: BusLink, private readonly log: Logger, registry: Registry) {
    super();
    this.measure = durations(registry, 'millrace_request_duration_seconds', 'Time to answer a question over NATS, by the subject it is answered under', ['subject']);
  }

  /** Doesn't wait for NATS: subjects are subscribed as soon as, and whenever, there is a connection. */
  listen(done: (error?: unknown) => void): void {
    this.link.onConnection((nc) => this.subscribe(nc));
    done();
  }

  /** Takes no new questions, finishes those begun. */
  async close(): Promise<void> {
    if (this.link.current()) await Promise.all(this.subscriptions.map((subscription) => subscription.drain()));
    await Promise.allSettled(this.running);
  }

  override on(): void {
    throw new Error('This transport has no events of its own: watch the BusLink.');
  }

  override unwrap<T>(): T {
    return this.link as T;
  }

  private subscribe(nc: NatsConnection): void {
    this.subscriptions = [...this.messageHandlers.keys()].map((subject) => nc.subscribe(subject, {
      queue: this.service,
      callback: (error, message) => {
        if (error) {
          this.log.error({ err: error, subject }, 'subscription refused');
          return;
        }
        const running = this.answer(subject, message).finally(() => this.running.delete(running));
        this.running.add(running);
      },
    }));
  }

  /** Never rejects: nobody waits for it, and an error that nobody catches would end the process. */
  private async answer(pattern: string, message: Msg): Promise<void> {
    try {
      try {
        respond(message, await this.measure({ subject: pattern }, () => this.answerTo(pattern, message)));
      } catch (error) {
        if (!isDomainError(error)) this.log.error({ err: error, subject: pattern }, 'question failed unexpectedly');
        respondError(message, error);
      }
    } catch (error) {
      // An error's details may be longer than NATS takes, or no JSON: whoever asked is told by its own deadline.
      this.log.warn({ err: error, subject: pattern }, 'an answer could not be sent');
    }
  }

  private async answerTo(pattern: string, message: Msg): Promise<Uint8Array> {
    const handler = this.messageHandlers.get(pattern);
    const as: unknown = handler?.extras?.['as'];
    const parent = message.headers?.get('traceparent');
    if (!handler) throw new DomainError('not-found', 'question-unknown', {}, `Nothing answers ${message.subject} here.`);
    const answer: unknown = await inSpan('answer', { kind: 'server', attributes: { 'messaging.destination.name': pattern }, ...(parent ? { parent } : {}) }, async () =>
      lastValueFrom(this.transformToObservable(await handler(as === 'bytes' ? message.data : parseJson(message.data), new RequestContext([message.subject]))), { defaultValue: undefined }));
    return answer instanceof Uint8Array ? answer : new TextEncoder().encode(JSON.stringify(answer ?? null));
  }
}
