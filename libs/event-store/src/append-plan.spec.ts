import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { LogKey } from '@millrace/kernel';
import { NOTHING_KNOWN, planAppend, type AppendPlan, type Knowledge, type Located } from './append-plan.ts';
import { fingerprintOf, frameEvent, leafOf } from './event-frame.ts';
import type { PreparedUnit } from './prepared-unit.ts';

const LOG: LogKey = { tenant: 'shop', context: 'sales', shard: 0 };

interface Wanted { readonly stream: number; readonly expected: number | 'any'; readonly ids: readonly number[]; readonly body: number }

const unit = ({ stream, expected, ids, body }: Wanted): PreparedUnit => ({
  stream: `s${stream}`, expectedVersion: expected, counted: true, bytes: 0,
  events: ids.map((id) => {
    const frame = frameEvent({ envelope: '{}', data: Buffer.of(1), fingerprint: `${body}`.repeat(64) });
    return { id: `e${id}`, type: 't', version: 1, via: 'web', receivedtime: '', frame };
  }),
});

/** The log as a model: what the server holds, and what it would do with units one after another. */
class Model {
  readonly events = new Map<string, Located>();
  readonly versions = new Map<string, number>();
  position = 0;

  get knowledge(): Knowledge {
    return { events: new Map(this.events), streams: new Map([...this.versions].map(([stream, version]) => [stream, { version, log: LOG }])) };
  }

  one(made: PreparedUnit): string[] {
    const known = made.events.map((event) => this.events.get(event.id));
    if (known.some((at) => at !== undefined)) {
      return known.map((at, n) => (at === undefined ? 'skipped' : `${Buffer.compare(at.fingerprint, fingerprintOf(made.events[n]!.frame)) === 0 ? 'duplicate' : 'conflict'}@${at.position}`));
    }
    const version = this.versions.get(made.stream) ?? 0;
    if (made.expectedVersion !== 'any' && made.expectedVersion !== version) return made.events.map(() => `wrong:${version}`);
    this.versions.set(made.stream, version + made.events.length);
    return made.events.map((event, n) => {
      this.position += 1;
      this.events.set(event.id, { log: LOG, position: this.position, streamVersion: version + n + 1, fingerprint: fingerprintOf(event.frame), leaf: leafOf(event.frame) });
      return `appended@${this.position}v${version + n + 1}`;
    });
  }
}

/** What the server checks before it takes a plan: every id new, every assumed version right. */
const accepts = (model: Model, plan: AppendPlan): boolean =>
  plan.rows.every((row) => !model.events.has(row.event.id)) && plan.streams.every((stream, n) => plan.expected[n]! < 0 || plan.expected[n] === (model.versions.get(stream) ?? 0));

const described = (plan: AppendPlan, model: Model): string[][] => plan.outcomes.map((unitOutcomes) => unitOutcomes.map((outcome) => {
  switch (outcome.kind) {
    case 'row': return `appended@${model.position + outcome.row.place}v${(model.versions.get(plan.streams[outcome.row.streamAt - 1]!) ?? 0) + outcome.row.step}`;
    case 'same-as-row': return `duplicate@${model.position + outcome.row.place}`;
    case 'conflict-with-row': return `conflict@${model.position + outcome.row.place}`;
    case 'wrong-version': return `wrong:${outcome.actualVersion}`;
    case 'skipped': return 'skipped';
    case 'pinned-elsewhere': return 'pinned';
    default: return `${outcome.kind}@${outcome.at.position}`;
  }
}));

const wanted = fc.record({
  stream: fc.integer({ min: 0, max: 3 }), expected: fc.oneof(fc.constant('any' as const), fc.integer({ min: 0, max: 5 })),
  ids: fc.uniqueArray(fc.integer({ min: 0, max: 25 }), { minLength: 1, maxLength: 3 }), body: fc.integer({ min: 0, max: 1 }),
});

describe('an append plan', () => {
  it('answers a batch as units one after another would be answered, whatever is in the log', () => {
    fc.assert(fc.property(fc.array(wanted, { maxLength: 12 }), fc.array(wanted, { minLength: 1, maxLength: 12 }), (past, batch) => {
      const model = new Model();
      for (const each of past) model.one(unit(each));
      const units = batch.map(unit);
      const blind = planAppend(LOG, units, NOTHING_KNOWN);
      const informed = planAppend(LOG, units, model.knowledge);
      expect(informed.certain).toBe(true);
      expect(accepts(model, informed)).toBe(true);
      const before = Object.assign(new Model(), { position: model.position, versions: new Map(model.versions) });
      const answers = units.map((each) => model.one(each));
      expect(described(informed, before)).toEqual(answers);
      // The plan made blindly is either refused by the server or says the same.
      const takenBlindly = blind.certain && blind.rows.every((row) => !past.some((each) => each.ids.some((id) => `e${id}` === row.event.id)))
        && blind.streams.every((stream, n) => blind.expected[n]! < 0 || blind.expected[n] === (before.versions.get(stream) ?? 0));
      expect(takenBlindly ? described(blind, before) : answers).toEqual(answers);
    }), { numRuns: 1000 });
  });

  it('recognises its own leaf: an attempt whose answer was lost did commit', () => {
    const made = unit({ stream: 0, expected: 0, ids: [1], body: 0 });
    const model = new Model();
    model.one(made);
    expect(planAppend(LOG, [made], model.knowledge).outcomes).toMatchObject([[{ kind: 'already', at: { position: 1, streamVersion: 1 } }]]);
  });

  it('keeps a stream out of a log it does not live in', () => {
    const elsewhere = { ...LOG, shard: 1 };
    const plan = planAppend(LOG, [unit({ stream: 0, expected: 'any', ids: [1], body: 0 })], { events: new Map(), streams: new Map([['s0', { version: 3, log: elsewhere }]]) });
    expect(plan).toMatchObject({ rows: [], outcomes: [[{ kind: 'pinned-elsewhere', log: elsewhere }]] });
  });
});
