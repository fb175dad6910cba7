import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { attemptsIn } from './client-journal.ts';
import { DISK_FAULTS, FAULTS, LEAST_EVENTS, parseSeed, PLAIN_FAULTS, planOf, PROCESSES, tenantOf } from './plan.ts';
import { randomOf } from './random.ts';
import { counts, nextCycle, summaryOf, type CycleResult } from './results.ts';
import { conflicting, LaneLoad, proofOf } from './workload.ts';

const seeds = fc.stringMatching(/^[a-z0-9]{1,12}$/);

describe('a plan', () => {
  it('is decided by seed, cycle and faults alone', () => {
    fc.assert(fc.property(seeds, fc.nat(9999), (seed, cycle) => {
      expect(planOf(seed, cycle, FAULTS)).toEqual(planOf(seed, cycle, FAULTS));
    }));
    expect(planOf('a', 1)).not.toEqual({ ...planOf('b', 1), seed: 'a', tenant: tenantOf('a', 1) });
    expect(planOf('a', 1).events).not.toEqual(planOf('a', 2).events);
  });

  it('has one or two faults of those to draw from, in the middle of at least 5,000 events', () => {
    fc.assert(fc.property(seeds, fc.nat(9999), fc.subarray([...FAULTS], { minLength: 1 }), (seed, cycle, from) => {
      const plan = planOf(seed, cycle, from);
      expect([1, 2]).toContain(plan.faults.length);
      expect(plan.events).toBeGreaterThan(LEAST_EVENTS);
      for (const { name, afterAcknowledged, victim, offsetMs } of plan.faults) {
        expect(from).toContain(name);
        expect(afterAcknowledged).toBeGreaterThan(plan.events * 0.09);
        expect(afterAcknowledged).toBeLessThanOrEqual(plan.events * 0.8);
        expect(Math.abs(offsetMs ?? 0)).toBe(name === 'clock' ? 86_400_000 : 0);
        expect(victim !== undefined).toBe(name === 'kill' || name === 'freeze');
      }
      expect(plan.faults.filter(({ name }) => [...DISK_FAULTS, 'older-bus', 'clock', 'older-events', 'frozen-through-recover'].includes(name)).length).toBeLessThanOrEqual(1);
      expect(plan.tenant).toMatch(/^[a-z0-9-]{1,32}$/);
    }));
  });

  it('comes to every fault, to every process, and to pairs', () => {
    const plans = Array.from({ length: 400 }, (_, cycle) => planOf('all', cycle));
    const faults = plans.flatMap((plan) => plan.faults);
    expect(new Set(faults.map(({ name }) => name))).toEqual(new Set(PLAIN_FAULTS));
    expect(new Set(faults.filter(({ name }) => name === 'kill').map(({ victim }) => victim))).toEqual(new Set(PROCESSES));
    expect(new Set(faults.filter(({ name }) => name === 'clock').map(({ offsetMs }) => offsetMs))).toEqual(new Set([86_400_000, -86_400_000]));
    expect(plans.filter((plan) => plan.faults.length === 2).length).toBeGreaterThan(80);
  });

  it.each(['', 'UPPER', 'a-b', 'thirteenchars'])('takes no seed %j', (text) => {
    expect(() => parseSeed(text)).toThrow(/a seed is 1 to 12/);
  });
});

describe('a lane\'s load', () => {
  const load = (lane = 0): LaneLoad => new LaneLoad(planOf('load', 1), lane);

  it('is the same each time, numbers each stream from 1, and repeats no id', () => {
    const events = load().batch(600);
    expect(load().batch(600)).toEqual(events);
    expect(new Set(events.map(({ id }) => id)).size).toBe(600);
    const last: Record<string, number> = {};
    for (const { stream, order } of events) {
      expect(order).toBe((last[stream] ?? 0) + 1);
      last[stream] = order;
    }
  });

  it('shares no stream with another lane', () => {
    const [a, b] = [load(0).batch(400), load(1).batch(400)].map((events) => new Set(events.map(({ stream }) => stream)));
    expect([...a!].filter((stream) => b!.has(stream))).toEqual([]);
  });

  it('proves each body by one of its values, and a conflict by another', () => {
    const events = load().batch(300);
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['sales.order.placed', 'sales.order.cancelled', 'sales.payment.captured', 'clickstream.page.viewed', 'customer.profile.registered', 'customer.contact.changed']));
    for (const event of events) expect(proofOf(event.type, event.data)).toBe(event.proof);
    for (const [at, event] of conflicting(events).entries()) {
      expect(proofOf(event.type, event.data)).toBe(event.proof);
      expect([event.id, event.proof === events[at]!.proof]).toEqual([events[at]!.id, false]);
    }
  });
});

describe('random numbers of a seed', () => {
  it('are spread, bounded and repeatable', () => {
    const random = randomOf('x', 1);
    const drawn = Array.from({ length: 4000 }, () => random.between(1, 4));
    for (const n of [1, 2, 3, 4]) expect(drawn.filter((each) => each === n).length).toBeGreaterThan(800);
    expect(new Set(drawn).size).toBe(4);
    expect(randomOf('x', 1).shuffled([1, 2, 3, 4, 5])).toEqual(randomOf('x', 1).shuffled([1, 2, 3, 4, 5]));
    expect(randomOf('x', 1).next()).not.toBe(randomOf('x', 2).next());
  });
});

it('reads a journal back, an unanswered request as one without answers', () => {
  const event = { id: 'e', stream: 's', order: 1, proof: 'p' };
  const lines = [
    { kind: 'sent', attempt: 1, purpose: 'first', events: [event] }, { kind: 'unanswered', attempt: 1, why: 'ECONNRESET' },
    { kind: 'sent', attempt: 2, purpose: 'retry', events: [event] }, { kind: 'answered', attempt: 2, answers: [{ id: 'e', outcome: 'duplicate', log: 'sales/0', position: 4 }] },
  ];
  expect(attemptsIn(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`)).toEqual([
    { attempt: 1, purpose: 'first', events: [event] },
    { attempt: 2, purpose: 'retry', events: [event], answers: [{ id: 'e', outcome: 'duplicate', log: 'sales/0', position: 4 }] },
  ]);
});

describe('results', () => {
  const result = (change: Partial<CycleResult>): CycleResult => ({
    commit: 'c', at: '2026-01-01T00:00:00Z', seed: 's', cycle: 1, faults: [{ name: 'kill', victim: 'nats', afterAcknowledged: 9, inFlight: 3, detail: '' }],
    acknowledged: 5001, unanswered: 2, retriedEvents: 60, refusedByEpoch: 0, stored: 5001, landed: true, lost: 0, doubled: 0, violations: {}, seconds: 9, ...change,
  });

  it('count with enough acknowledged and faults that landed', () => {
    expect([counts(result({})), counts(result({ acknowledged: 4999 })), counts(result({ landed: false }))]).toEqual([true, false, false]);
  });

  it('go on after the last cycle of the seed', () => {
    expect([nextCycle([], 's'), nextCycle([result({ cycle: 4 }), result({ seed: 'other', cycle: 9 }), result({ cycle: 2 })], 's')]).toEqual([1, 5]);
  });

  it('add up: what counts by fault, what was lost or broken over all', () => {
    const cut = { name: 'power-cut-nats', afterAcknowledged: 1, inFlight: 1, detail: '' };
    const summary = summaryOf([
      result({}), result({ cycle: 2, faults: [cut, result({}).faults[0]!] }), result({ cycle: 3, faults: [cut], commit: 'd' }),
      result({ cycle: 4, acknowledged: 10, lost: 3, doubled: 1, violations: { 'stored-once': { times: 1, first: 'x' } } }),
    ]);
    expect(summary).toEqual({
      cycles: 4, counted: 3, killCycles: 2, powerCuts: 2, pairs: 1, acknowledged: 15_013, unanswered: 8, retriedEvents: 240, lost: 3, doubled: 1, brokenCycles: 1,
      faults: { 'kill nats': 2, 'power-cut-nats': 2 }, commits: ['c', 'd'],
    });
  });
});
