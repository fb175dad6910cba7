import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Controller, Module } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Ctx, Payload } from '@nestjs/microservices';
import { Pool } from 'pg';
import { ask, askJson, BusLink } from '@millrace/event-bus';
import { CONSUMER_TABLES_UP, projectionRunner, sqlCheckpoints, sqlParked, type ProjectedEvent, type Sql } from '@millrace/event-sourcing';
import { DomainError, logName, type LogHead, type LogKey, type LogReader, type StoredEvent } from '@millrace/kernel';
import { eventually, freshDatabase, inTransaction, natsUrl, uniqueName, uniqueTenant, type TestDatabase } from '@millrace/testing';
import { Answers, buildService, Closing, consumersController, consumersSubject, defineConfig, EventContext, EventTransport, makeLogger, METRICS, OnEvent, RequestContext, shared, type HttpConfig } from './index.ts';

const logger = makeLogger('probe', 'silent');
const base: HttpConfig = { httpHost: '127.0.0.1', httpPort: 0, logLevel: 'info', otlpEndpoint: undefined, apiTokens: [] };
const prefix = uniqueName('q');

@Controller()
class StockAnswers {
  @Answers(`${prefix}.level`)
  level(question: { product: string }) {
    if (question.product === 'gone') throw new DomainError('not-found', 'product-unknown', { shelf: 3 }, 'No such product.');
    if (question.product === 'bug') throw new Error('alice@example.org');
    return { product: question.product, level: 7 };
  }

  @Answers(`${prefix}.bytes.>`, 'bytes')
  bytes(@Payload() payload: Uint8Array, @Ctx() context: RequestContext) {
    return Uint8Array.of(...payload, context.subject.length);
  }
}

@Module({ controllers: [StockAnswers] })
class StockModule {}

describe('the link of a service that drains', () => {
  it('is closed after whoever was made with it', async () => {
    const seen: boolean[] = [];
    const user = { provide: 'user', inject: [BusLink, Closing], useFactory: (link: BusLink, closing: Closing) => closing.add('user', () => seen.push(link.connection().isDraining(), link.connection().isClosed())) };
    @Module({ providers: [user] })
    class UserModule {}
    const app = await buildService({ config: defineConfig('stock', { natsUrl: shared.natsUrl }), module: async () => UserModule }, { ...base, natsUrl: natsUrl() }, logger);
    const link = app.get(BusLink);
    const nc = await link.ready(30_000);
    await app.close();
    expect([seen, nc.isClosed(), link.current()]).toEqual([[false, false], true, undefined]);
  });
});

describe('a service whose NATS hangs', () => {
  it('is not ready, though its connection stands', async () => {
    const target = new URL(natsUrl());
    const sockets: Socket[] = [];
    const between = createServer((client) => {
      const server = connect(Number(target.port), target.hostname);
      for (const socket of [client, server]) sockets.push(socket.on('error', () => undefined));
      client.pipe(server).pipe(client);
    }).listen(0, '127.0.0.1');
    await new Promise((listening) => between.once('listening', listening));
    const app = await buildService({ config: defineConfig('stock', { natsUrl: shared.natsUrl }), module: async () => StockModule }, { ...base, natsUrl: `nats://127.0.0.1:${(between.address() as AddressInfo).port}` }, logger);
    await app.get(BusLink).ready(30_000);
    await eventually('ready', async () => (await app.inject('/ready')).json().checks.nats === 'ok');
    for (const socket of sockets) socket.unpipe().pause();
    expect((await app.inject('/ready')).json()).toEqual({ ready: false, checks: { nats: 'timed-out' } });
    for (const socket of sockets) socket.destroy();
    between.close();
    await app.close();
  });
});

describe('an answer that can not be sent', () => {
  it('leaves a line in the log, and the service answers on', async () => {
    const lines: string[] = [];
    @Controller()
    class LongAnswers {
      @Answers(`${prefix}.long`)
      long({ bytes }: { bytes: number }) {
        // More than NATS takes in a message, and as the details of an error too.
        if (bytes > 0) throw new DomainError('conflict', 'long', { text: 'x'.repeat(bytes) });
        return 7;
      }
    }
    @Module({ controllers: [LongAnswers] })
    class LongModule {}
    const app = await buildService({ config: defineConfig('long', { natsUrl: shared.natsUrl }), module: async () => LongModule }, { ...base, natsUrl: natsUrl() }, makeLogger('long', 'warn', { write: (line) => { lines.push(line); } }));
    const asker = BusLink.open({ url: natsUrl(), service: 'asker' });
    await asker.ready(30_000);
    const short = () => askJson(asker, `${prefix}.long`, { bytes: 0 });
    await eventually('the answerer is there', async () => (await short()) === 7);
    const long = askJson(asker, `${prefix}.long`, { bytes: 2 * 1024 * 1024 }, { timeoutMs: 500 });
    await expect(long).rejects.toMatchObject({ code: 'answer-timed-out' });
    expect(lines.map((line) => JSON.parse(line))).toEqual([expect.objectContaining({ level: 'warn', msg: 'an answer could not be sent', subject: `${prefix}.long` })]);
    expect(await short()).toBe(7);
    await app.close();
    await asker.close();
  });
});

describe('questions over NATS', () => {
  let app: NestFastifyApplication;
  let link: BusLink;
  beforeAll(async () => {
    app = await buildService({ config: defineConfig('stock', { natsUrl: shared.natsUrl }), module: async () => StockModule }, { ...base, natsUrl: natsUrl() }, logger);
    link = BusLink.open({ url: natsUrl(), service: 'asker' });
    await link.ready(30_000);
    await eventually('the answerer is there', async () => (await askJson(link, `${prefix}.level`, { product: 'p1' })) !== undefined);
  });
  afterAll(async () => {
    await link.close();
    await app.close();
  });

  it('are answered as JSON', async () => {
    expect(await askJson(link, `${prefix}.level`, { product: 'p1' })).toEqual({ product: 'p1', level: 7 });
  });

  it('are answered as bytes, on a subject below the pattern', async () => {
    expect(await ask(link, `${prefix}.bytes.deep.er`, Uint8Array.of(0, 255))).toEqual(Uint8Array.of(0, 255, `${prefix}.bytes.deep.er`.length));
  });

  it('pass a DomainError on as it is, and of another error nothing', async () => {
    await expect(askJson(link, `${prefix}.level`, { product: 'gone' })).rejects.toMatchObject({ kind: 'not-found', code: 'product-unknown', details: { shelf: 3 }, message: 'No such product.' });
    await expect(askJson(link, `${prefix}.level`, { product: 'bug' })).rejects.toMatchObject({ kind: 'unavailable', code: 'answer-failed', message: expect.not.stringContaining('alice') });
  });

  it('are timed by subject and outcome', async () => {
    const metrics = (await app.inject('/metrics')).body;
    for (const outcome of ['ok', 'not-found', 'failed']) expect(metrics).toMatch(new RegExp(`millrace_request_duration_seconds_count\\{subject="${prefix}.level",outcome="${outcome}"\\} [1-9]`));
  });

  it('that are not JSON are refused', async () => {
    await expect(ask(link, `${prefix}.level`, Uint8Array.of(123))).rejects.toMatchObject({ kind: 'invalid', code: 'question-malformed' });
  });

  it('nobody answers are unavailable at once', async () => {
    await expect(ask(link, `${prefix}.nobody`, new Uint8Array())).rejects.toMatchObject({ kind: 'unavailable', code: 'nobody-answers' });
    const away = BusLink.open({ url: 'nats://127.0.0.1:1', service: 'asker' });
    await expect(ask(away, `${prefix}.level`, new Uint8Array())).rejects.toMatchObject({ kind: 'unavailable', code: 'bus-unavailable' });
    await away.close();
  });
});

const log: LogKey = { tenant: uniqueTenant(), context: 'sales', shard: 0 };
const stored = (position: number, n: unknown): StoredEvent => ({
  log, epoch: 5, position, streamVersion: position, leaf: Buffer.alloc(32, position), salt: Buffer.alloc(16), envelopeBytes: new Uint8Array(), data: Buffer.from(JSON.stringify({ n })),
  envelope: { specversion: '1.0', id: `e-${position}`, source: 'urn:spec', type: 'sales.order.placed', version: 1, tenant: log.tenant, stream: `sales.order/${typeof n}`, time: '', receivedtime: '', recordedtime: '', via: 'spec', fingerprint: '' },
});
const events = [stored(1, 1), stored(2, 'two'), stored(3, 3), stored(4, 'four')];
const head: LogHead = { ...log, epoch: 5, position: 4, leaf: events[3]?.leaf };
const reader: LogReader = {
  heads: async () => [head], head: async () => head,
  read: async (_, after, limit) => events.slice(after, after + limit),
  mark: async (_, position) => ({ epoch: 5, position, leaf: events[position - 1]?.leaf ?? new Uint8Array() }),
};

@Controller()
class SumConsumer {
  @OnEvent('sales.order.placed')
  async placed(@Payload() event: ProjectedEvent, @Ctx() context: EventContext) {
    if (typeof event.data['n'] !== 'number') throw new DomainError('invalid', 'not-a-number', {}, 'Expected a number.');
    await context.tx.query('update total set n = n + $1', [event.data['n']]);
  }
}

describe('events over the event transport', () => {
  const summing = uniqueName('summing');
  let database: TestDatabase;
  let pool: Pool;
  let app: NestFastifyApplication;

  const transport = (metrics: ConstructorParameters<typeof EventTransport>[0]['metrics']) => new EventTransport({
    service: 'summing', contexts: ['sales'], reader, logger, metrics,
    handler: (onEvent) => projectionRunner<Sql>({
      projections: [onEvent], checkpoints: sqlCheckpoints(pool, 'summing'), parked: sqlParked(pool, 'summing'),
      scope: { transaction: (work) => inTransaction(pool, work) },
    }),
  });

  @Module({ controllers: [SumConsumer, consumersController(summing)], providers: [{ provide: EventTransport, inject: [METRICS], useFactory: transport }] })
  class SumModule {}

  beforeAll(async () => {
    database = await freshDatabase();
    pool = new Pool({ connectionString: database.url });
    for (const text of CONSUMER_TABLES_UP) await pool.query(text);
    await pool.query('create table total (n integer not null)');
    await pool.query('insert into total values (0)');
    const token = Buffer.from('2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae', 'hex'); // SHA-256 of "foo"
    app = await buildService({ config: defineConfig('summing', { natsUrl: shared.natsUrl }), module: async () => SumModule, transports: [EventTransport] }, { ...base, natsUrl: natsUrl(), apiTokens: [{ principal: 'operator', sha256: token }] }, logger);
  });
  afterAll(async () => {
    await app.close();
    await pool.end();
    await database.drop();
  });

  it('reach the app\'s methods in the transaction of the checkpoint; a failing one is parked with those behind it', async () => {
    const consumers = async () => (await app.inject({ url: '/v1/consumers', headers: { authorization: 'Bearer foo' } })).json();
    await eventually('all applied', async () => (await consumers()).consumers[0]?.position === 4);
    expect(await eventually('running', async () => { const answer = await consumers(); return answer.consumers[0].state === 'running' && answer; })).toEqual({ consumers: [{ tenant: log.tenant, log: logName(log), epoch: 5, position: 4, leaf: expect.stringMatching(/^[0-9a-f]{64}$/), state: 'running', parked: 2 }] });
    const link = BusLink.open({ url: natsUrl(), service: 'asker' });
    await link.ready(30_000);
    expect(await askJson(link, consumersSubject(summing), {})).toEqual(await consumers());
    await link.close();
    expect((await pool.query('select n from total')).rows).toEqual([{ n: 4 }]);
    expect((await pool.query('select position::int, code, reason from parked_event order by 1')).rows).toEqual([
      { position: 2, code: 'not-a-number', reason: 'Expected a number.' }, { position: 4, code: 'behind-parked', reason: 'an earlier event of the same key is parked' },
    ]);
    const metrics = (await app.inject('/metrics')).body;
    expect(metrics).toContain(`millrace_consumer_position{tenant="${log.tenant}",log="sales/0"} 4`);
    expect(metrics).toContain(`millrace_consumer_lag_events{tenant="${log.tenant}",log="sales/0"} 0`);
    expect(metrics).toMatch(/millrace_consumer_batch_duration_seconds_count\{log="sales\/0",outcome="ok"\} [1-9]/);
    expect(metrics).toContain(`millrace_consumer_events_total{tenant="${log.tenant}",log="sales/0",from="log"} 4`);
  });
});
