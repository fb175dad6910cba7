import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { BusLink, respond, respondError } from '@millrace/event-bus';
import { DomainError, systemClock } from '@millrace/kernel';
import { natsUrl, uniqueTenant } from '@millrace/testing';
import type { ReservationOutcome, ReservationWish } from './shop/act.ts';
import { Simulation, type Surroundings } from './simulation.ts';
import { IntakeClient, type EventOutcome } from './traffic/intake-client.ts';
import type { OutgoingEvent } from './traffic/outgoing.ts';
import { journalWriter, manifestWriter } from './traffic/record-file.ts';
import { reserveStock } from './traffic/stock-desk.ts';

let server: Server;
let url: string;
let folder: string;
let stored: Map<string, OutgoingEvent>;
/** Answers to give before the intake behaves. */
let troubles: ('503' | '429' | 'cut' | '401')[];

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
};

/** An intake that keeps what it is sent, by id. */
const take = (events: OutgoingEvent[]): EventOutcome[] => events.map((event, index) => {
  const known = stored.has(event.id);
  stored.set(event.id, event);
  return { index, id: event.id, outcome: known ? 'duplicate' : 'accepted', log: 'sales/0', position: stored.size };
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-simulator-'));
  server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const trouble = troubles.shift();
      if (trouble === '503' || trouble === '429' || trouble === '401') return response.writeHead(Number(trouble), { 'retry-after': '0' }).end('{"detail":"no"}');
      const outcomes = take(JSON.parse(body) as OutgoingEvent[]);
      return trouble === 'cut' ? response.destroy() : response.writeHead(202).end(JSON.stringify({ outcomes, dropped: 0 }));
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => { stored = new Map(); troubles = []; });
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => { server.close(resolve); });
  rmSync(folder, { recursive: true, force: true });
});

const never = new AbortController().signal;
const surroundings = (over: Partial<Surroundings> = {}): Surroundings => {
  const intake = new IntakeClient({ url, sourceKey: 'msk_test' });
  return { clock: systemClock, send: (events, signal) => intake.send(events, signal), reserve: async () => 'reserved', willSend: () => undefined, answered: () => undefined, ...over };
};
const lines = (file: string): Record<string, string>[] => readFileSync(file, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, string>);

describe('a simulation', () => {
  it('sends its opening and its events at its pace, and counts what the intake answered', async () => {
    const stop = new AbortController();
    const enough = (): boolean => stored.size > 400 && [...stored.values()].some(({ type, id }) => type === 'sales.order.placed' && !id.includes('opening'));
    const report = await new Simulation({ seed: 7, run: 'a', perSecond: 400 }, surroundings({ answered: () => { if (enough()) stop.abort(); } })).run(stop.signal, never);
    expect(report.sent).toBeGreaterThan(400);
    expect(report.accepted).toBe(stored.size);
    expect(report.accepted + report.duplicate + report.rejected).toBe(report.sent);
    expect(report.orders).toBeGreaterThan(0);
    expect(report.refused + report.unanswered).toBe(0);
  });

  it('loses nothing when the intake is busy, away or cuts its answers off', async () => {
    troubles = ['503', 'cut', '429', 'cut'];
    const report = await new Simulation({ seed: 7, run: 'b', perSecond: 200, forMs: 300 }, surroundings()).run(never, never);
    expect(troubles).toEqual([]);
    expect(report.duplicate).toBeGreaterThanOrEqual(200);
    expect(report.accepted + report.duplicate).toBe(report.sent);
    expect([...stored.keys()].filter((id) => id.includes('opening'))).toHaveLength(240);
  });

  it('stops when told, sending what waits', async () => {
    const stop = new AbortController();
    const sent: string[] = [];
    const simulation = new Simulation({ seed: 7, run: 'c', perSecond: 500 }, surroundings({ answered: (outcomes) => { sent.push(...outcomes.map((outcome) => outcome.id)); if (sent.length > 400) stop.abort(); } }));
    const report = await simulation.run(stop.signal, never);
    expect(report.sent).toBe(sent.length);
  });

  it('lets go of what it can\'t send, and says how much: what was asked for is either sent or skipped', async () => {
    const around = surroundings();
    let batches = 0;
    const send: Surroundings['send'] = async (events, signal) => {
      if ((batches += 1) === 3) await pause(1000); // the first after the opening: busy for longer than the run
      return around.send(events, signal);
    };
    const { sent, skipped } = await new Simulation({ seed: 7, run: 'i', perSecond: 20_000, forMs: 500 }, { ...around, send }).run(never, never);
    expect(skipped).toBeGreaterThan(5000);
    expect(sent - 240 + skipped).toBeGreaterThanOrEqual(10_000);
    expect(sent - 240 + skipped).toBeLessThanOrEqual(10_002);
  });

  it('gives up sending when it must', async () => {
    const giveUp = new AbortController();
    const stop = new AbortController();
    const away = new IntakeClient({ url: 'http://127.0.0.1:1', sourceKey: 'x', onRetry: () => { stop.abort(); giveUp.abort(); } });
    await expect(new Simulation({ seed: 7, run: 'd', perSecond: 10 }, surroundings({ send: (events, signal) => away.send(events, signal) })).run(stop.signal, giveUp.signal)).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('ends with the intake\'s words when its key is refused', async () => {
    troubles = ['401', '401', '401'];
    await expect(new Simulation({ seed: 7, run: 'e', perSecond: 10, forMs: 5000 }, surroundings()).run(never, never)).rejects.toThrow(/the intake refused the request with 401/);
  });

  it('goes on without orders while nobody promises stock', async () => {
    const stop = new AbortController();
    let asked = 0;
    const reserve = async (): Promise<ReservationOutcome> => { if ((asked += 1) >= 5) stop.abort(); return 'unanswered'; };
    const report = await new Simulation({ seed: 7, run: 'f', perSecond: 1000 }, surroundings({ reserve })).run(stop.signal, never);
    expect([report.orders, report.reserved]).toEqual([0, 0]);
    expect(report.unanswered).toBeGreaterThan(0);
  });
});

describe('a seed', () => {
  /** All that a run sends, without the times: the stock says no to some, and answers after as long as told. */
  const sentWith = async (latencyMs: (wish: ReservationWish) => number, sendingMs: number): Promise<string[]> => {
    const sent: OutgoingEvent[] = [];
    const around = surroundings({
      reserve: async (wish) => { await pause(latencyMs(wish)); return wish.quantity > 3 ? 'refused' : 'reserved'; },
      willSend: (events) => { sent.push(...events); },
    });
    const send: Surroundings['send'] = async (events, signal) => { await pause(sendingMs); return around.send(events, signal); };
    await new Simulation({ seed: 7, run: 'same', perSecond: 600, forMs: 2000 }, { ...around, send }).run(never, never);
    return sent.map((event) => JSON.stringify(event, (key, value: unknown) => (key === 'time' || key === 'placedAt' ? undefined : value)));
  };

  it('sends the same events in the same order, however long stock and intake take to answer', async () => {
    const [quick, slow] = [await sentWith(() => 0, 0), await sentWith(({ productId, quantity }) => (Number(productId.slice(-2)) * 7 + quantity * 40) % 300, 70)];
    expect(quick.filter((event) => event.includes('sales.order.placed')).length).toBeGreaterThan(5);
    expect(slow).toEqual(quick);
  });

  it('opens before it asks: what was there at the start is answered for by then', async () => {
    const stop = new AbortController();
    const answeredWhenAsked: number[] = [];
    let answered = 0;
    const around = surroundings({
      reserve: async () => { answeredWhenAsked.push(answered); stop.abort(); return 'reserved'; }, answered: (outcomes) => { answered += outcomes.length; },
    });
    const send: Surroundings['send'] = async (events, signal) => { await pause(400); return around.send(events, signal); };
    await new Simulation({ seed: 7, run: 'h', perSecond: 2000 }, { ...around, send }).run(stop.signal, never);
    expect(Math.min(...answeredWhenAsked)).toBeGreaterThanOrEqual(240);
  });
});

describe('the files of a run', () => {
  it('list each personal value once, and every answer', async () => {
    const [manifest, journal] = [join(folder, 'manifest.jsonl'), join(folder, 'journal.jsonl')];
    const stop = new AbortController();
    const keep = journalWriter(journal);
    const answered = (outcomes: readonly EventOutcome[]): void => {
      keep(outcomes);
      if (new Set(lines(manifest).map(({ category }) => category)).size === 6) stop.abort();
    };
    const report = await new Simulation({ seed: 7, run: 'g', perSecond: 1500 }, surroundings({ willSend: manifestWriter(manifest), answered })).run(stop.signal, never);
    const values = lines(manifest).map(({ value }) => value!);
    expect(new Set(values).size).toBe(values.length);
    expect(Math.min(...values.map((value) => value.length))).toBeGreaterThanOrEqual(12);
    const all = JSON.stringify([...stored.values()]);
    for (const value of values) expect(all).toContain(value);
    expect(new Set(lines(manifest).map(({ category }) => category))).toEqual(new Set(['visitor-id', 'customer-number', 'name', 'email', 'phone', 'address']));
    expect(lines(journal)).toHaveLength(report.sent);
    expect(lines(journal)[0]).toMatchObject({ id: 'sim-7-opening-0', outcome: 'accepted', log: 'sales/0', position: 1 });
    expect(statSync(manifest).mode & 0o077).toBe(0);
  });

  it('are not written when nobody asked', () => {
    expect(() => { manifestWriter(undefined)([...stored.values()]); journalWriter(undefined)([]); }).not.toThrow();
  });
});

describe('stock', () => {
  it('is asked over NATS: promised, refused, or with nobody there unanswered', async () => {
    const tenant = uniqueTenant();
    const [asker, answerer] = [BusLink.open({ url: natsUrl(), service: 'simulator' }), BusLink.open({ url: natsUrl(), service: 'ingestion' })];
    const wish = { reservationId: 'res-1', orderId: 'o-1', productId: 'sku-0001', quantity: 2 };
    try {
      await asker.ready(30_000);
      const questions: unknown[] = [];
      // By reservation and not by turn: a question that is answered late is asked again.
      const replies = new Map<string, (object | DomainError)[]>([
        ['res-1', [{ outcome: 'reserved' }]], ['res-2', [{ outcome: 'refused' }]], ['res-3', [new DomainError('conflict', 'reservation-differs')]],
        ['res-4', [new DomainError('unavailable', 'event-store-unavailable'), { outcome: 'reserved' }]],
      ]);
      const ask = (reservationId: string): Promise<ReservationOutcome> => reserveStock(asker, tenant, { ...wish, reservationId });
      expect(await ask('res-0')).toBe('unanswered');
      const connection = await answerer.ready(30_000);
      connection.subscribe('cmd.inventory.reserve-stock', { callback: (_, message) => {
        const question = message.json<{ reservationId: string }>();
        questions.push(question);
        const [reply, ...later] = replies.get(question.reservationId) ?? [];
        if (later.length > 0) replies.set(question.reservationId, later);
        if (reply instanceof DomainError) respondError(message, reply);
        else respond(message, new TextEncoder().encode(JSON.stringify(reply)));
      } });
      await connection.flush();
      expect([await ask('res-1'), await ask('res-2'), await ask('res-3'), await ask('res-4')]).toEqual(['reserved', 'refused', 'refused', 'reserved']);
      expect(questions[0]).toEqual({ tenant, ...wish });
    } finally {
      await Promise.all([asker.close(), answerer.close()]);
    }
  });
});
