import { describe, expect, it } from '@jest/globals';
import { checkData, checkWireEvent, findContract } from '@millrace/contracts';
import { seededRandom } from '../shop/random.ts';
import { parseSimulatorArguments, readSimulatorConfig } from '../simulator.config.ts';
import { retryAfterMs } from './intake-client.ts';
import { openingEvents, SHARES, Traffic, type OutgoingEvent } from './outgoing.ts';
import { Pace, rateText } from './pace.ts';
import { personalValuesIn } from './personal-value.ts';

const name = { seed: 7, run: 'r1' };
const NOW = '2026-05-04T10:00:00.000Z';
const fact = { type: 'clickstream.page.viewed', data: { sessionId: 's-1', path: '/' } };
const sent = (count: number, run = 'r1'): OutgoingEvent[] => {
  const traffic = new Traffic(seededRandom(7), { seed: 7, run }, () => new Date(NOW));
  return Array.from({ length: count }, () => traffic.of(fact)).flat();
};
const isFine = (event: OutgoingEvent): boolean => {
  const contract = findContract(event.type, 1);
  const checked = contract === undefined ? undefined : checkData(contract, event.data);
  return checkWireEvent(event).ok && checked?.ok === true && Date.parse(event.time) < Date.parse(NOW) + 3_600_000;
};

describe('traffic', () => {
  it('repeats itself for the same seed and run', () => {
    expect(sent(500)).toEqual(sent(500));
  });

  it('has ids of its own in each run', () => {
    const other = new Set(sent(500, 'r2').map((event) => event.id));
    expect(sent(500).filter((event) => other.has(event.id))).toEqual([]);
  });

  it('repeats an id only with the same body', () => {
    const byId = new Map<string, string>();
    const differing: string[] = [];
    let repeated = 0;
    for (const event of sent(10_000)) {
      const body = JSON.stringify(event);
      if (byId.has(event.id)) repeated += 1;
      if ((byId.get(event.id) ?? body) !== body) differing.push(event.id);
      byId.set(event.id, body);
    }
    expect(differing).toEqual([]);
    expect(repeated / 10_000).toBeCloseTo(SHARES.duplicate, 2);
  });

  it('has its small shares of broken, late and over-sharing events', () => {
    const events = sent(10_000);
    const share = (some: (event: OutgoingEvent) => boolean): number => events.filter(some).length / events.length;
    expect(share((event) => !isFine(event))).toBeCloseTo(SHARES.malformed, 2);
    expect(share((event) => Date.parse(event.time) < Date.parse(NOW))).toBeCloseTo(SHARES.late, 2);
    expect(share((event) => 'forwardedBy' in event.data)).toBeCloseTo(SHARES.unnamedField, 2);
  });

  it('breaks events in six ways, none of which an intake may take', () => {
    const broken = sent(20_000).filter(({ type, data }) => type === 'customer.contact.changed' || JSON.stringify(data).includes('s-broken-'));
    expect(broken.filter(isFine)).toEqual([]);
    const isAhead = ({ time }: OutgoingEvent): boolean => Date.parse(time) > Date.parse(NOW);
    expect(new Set(broken.map((event) => `${event.type} ${isAhead(event)}`)).size).toBe(6);
  });

  it('dates a fact back by as much as it is late', () => {
    const traffic = new Traffic(seededRandom(7), name, () => new Date(NOW));
    const timeOf = (lateMs: number): string => traffic.of({ type: 'sales.order.placed', data: {}, lateMs })[0]!.time;
    expect([timeOf(0), timeOf(7_200_000)]).toEqual([NOW, '2026-05-04T08:00:00.000Z']);
  });

  it('opens with the same events in every run', () => {
    const facts = [fact, { ...fact, type: 'clickstream.search.performed' }];
    expect(openingEvents(name, facts)).toEqual(openingEvents({ ...name, run: 'r2' }, facts));
    expect(openingEvents(name, facts).map((event) => event.id)).toEqual(['sim-7-opening-0', 'sim-7-opening-1']);
  });
});

describe('personal values', () => {
  const event = (data: OutgoingEvent['data']): OutgoingEvent => ({ specversion: '1.0', id: 'x', source: 's', type: 't', time: NOW, data });
  it('are found in customers, contacts, visitors and where they don\'t belong', () => {
    expect(personalValuesIn(event({
      customer: { number: 'C12345678901234', email: 'abcdefghijkl@mail.example', visitorId: 'v-abcdefghijklmnop' }, contact: { phone: '+491234567890123' },
      visitor: { id: 'v-qrstuvwxyzabcdef' }, forwardedBy: 'mnopqrstuvwx@mail.example', name: 'Product name is nobody',
    })).map(({ category, value }) => `${category} ${value}`)).toEqual([
      'customer-number C12345678901234', 'email abcdefghijkl@mail.example', 'visitor-id v-abcdefghijklmnop', 'phone +491234567890123',
      'visitor-id v-qrstuvwxyzabcdef', 'email mnopqrstuvwx@mail.example',
    ]);
  });
  it('leave out what is too short to be looked for, and events without people', () => {
    expect(personalValuesIn(event({ contact: { phone: 'none' } }))).toEqual([]);
    expect(personalValuesIn(event({ productId: 'sku-0001', lines: [{ name: 'Long product name here' }] }))).toEqual([]);
  });
});

describe('the pace', () => {
  const at = (text: string): number => Date.parse(text);
  /** What is due from tick to tick, at ticks of these lengths over and over. */
  const dues = (pace: Pace, from: number, lengthMs: number, ticksMs: readonly number[]): number[] => {
    const all: number[] = [];
    for (let now = from, tick = 0; now < from + lengthMs; tick += 1) all.push(pace.due(new Date(now += ticksMs[tick % ticksMs.length]!)));
    return all;
  };
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

  it('of a run without end follows the day, whose mean it is', () => {
    const inAMinute = (from: string): number => sum(dues(new Pace({ perSecond: 50 }, new Date(from)), at(from), 60_000, [50]));
    expect([inAMinute('2026-05-04T07:00:00Z'), inAMinute('2026-05-04T19:00:00Z')]).toEqual([1500, 4499]);
    const midnight = '2026-05-04T00:00:00Z';
    expect(sum(dues(new Pace({ perSecond: 50 }, new Date(midnight)), at(midnight), 86_400_000, [5000]))).toBe(50 * 86_400);
  });

  it.each(['07:00', '13:00', '19:00', '23:59'])('of a run of a minute at %s is the rate that was asked, however the ticks fall', (time) => {
    const from = `2026-05-04T${time}:00Z`;
    const pace = (): Pace => new Pace({ perSecond: 50, forMs: 60_000 }, new Date(from));
    for (const ticks of [[50], [1], [37, 900, 4000], [50, 51, 8999]]) expect(sum(dues(pace(), at(from), 60_000, ticks))).toBe(3000);
    expect(Math.max(...dues(pace(), at(from), 60_000, [1000]))).toBeLessThanOrEqual(51);
  });

  it('of a run of hours keeps the shape of the day, and its mean', () => {
    const from = '2026-05-04T07:00:00Z';
    const hours = dues(new Pace({ perSecond: 10, forMs: 12 * 3_600_000 }, new Date(from)), at(from), 12 * 3_600_000, [5000]);
    expect(sum(hours)).toBe(10 * 12 * 3600);
    expect(sum(hours.slice(-720)) / sum(hours.slice(0, 720))).toBeGreaterThan(2);
  });

  it('is over at its end, and owes nothing afterwards', () => {
    const pace = new Pace({ perSecond: 50, forMs: 1000 }, new Date(NOW));
    const after = (ms: number): Date => new Date(at(NOW) + ms);
    expect([pace.isOver(after(999)), pace.isOver(after(1000)), pace.due(after(5000)), pace.due(after(9000))]).toEqual([false, true, 50, 0]);
    expect(new Pace({ perSecond: 50, forMs: 0 }, new Date(NOW)).due(after(1000))).toBe(0);
  });

  it('doesn\'t make up for a long sleep or a clock that went back', () => {
    const pace = new Pace({ perSecond: 50 }, new Date(NOW));
    expect(pace.due(new Date(at(NOW) + 3_600_000))).toBeLessThanOrEqual(750);
    expect(pace.due(new Date(at(NOW) - 3_600_000))).toBe(0);
  });

  it('is told in a line', () => {
    expect(rateText({ perSecond: 50, forMs: 60_000 }, new Date(NOW))).toBe('50 events/s for 60 s: 3000 events after the opening');
    expect(rateText({ perSecond: 20 }, new Date('2026-05-04T19:00:00Z'))).toBe('20 events/s as the mean of a day, 30.0 just now');
  });
});

describe('a wait', () => {
  it('is the server\'s wish where it has one, bounded on both sides', () => {
    expect([retryAfterMs('2', 0), retryAfterMs('0', 0), retryAfterMs('3600', 0)]).toEqual([2000, 250, 10_000]);
  });
  it('grows from attempt to attempt otherwise', () => {
    expect([0, 1, 2, 3, 10].map((attempt) => retryAfterMs(null, attempt))).toEqual([250, 500, 1000, 2000, 10_000]);
    expect(retryAfterMs('Wed, 21 Oct 2026 07:28:00 GMT', 1)).toBe(500);
  });
});

describe('arguments', () => {
  it('have the defaults of the demo', () => {
    expect(parseSimulatorArguments([])).toEqual({ tenant: 'demo', rate: 50, seed: 7, manifest: undefined, journal: undefined, checkConfig: false });
    expect(parseSimulatorArguments(['--for', '1500ms', '--seed', '0', '--tenant', 'shop', '--journal', 'j']).forMs).toBe(1500);
  });
  it.each([[['--rate', 'fast']], [['--rate', '20001']], [['--seed', '-1']], [['--for', '60']], [['--tenant', 'No Such']], [['--frobnicate']]])('refuse %j', (args) => {
    expect(() => parseSimulatorArguments(args)).toThrow(/wants|tenant|option/i);
  });
  it('come with a config whose faults are told together', () => {
    expect(() => readSimulatorConfig({ MILLRACE_NATS_URL: 'http://x' })).toThrow(/MILLRACE_INGESTION_HTTP_URL.*MILLRACE_SOURCE_KEY_FILE.*MILLRACE_NATS_URL.*MILLRACE_NATS_SEED_FILE/s);
  });
});
