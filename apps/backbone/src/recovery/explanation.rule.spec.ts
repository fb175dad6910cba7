import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { lastAgreement } from './agreement.rule.ts';
import { explain } from './explanation.rule.ts';
import type { ConsumerEvidence, LogEvidence } from './log-evidence.model.ts';

const log = { tenant: 'shop', context: 'sales', shard: 0 } as const;
const EPOCH = 1_700_000_000;
const evidence = (part: Partial<LogEvidence> = {}): LogEvidence => ({ log, epoch: EPOCH, head: 100, consumers: [], silent: [], recoveries: [], ...part });
const consumer = (part: Partial<ConsumerEvidence> = {}): ConsumerEvidence => ({ name: 'analytics', epoch: EPOCH, position: 100, state: 'running', agrees: true, onStream: true, ...part });
const recovery = { epoch: EPOCH + 60, previousEpoch: EPOCH, fromPosition: 81, head: 100, previousHead: 120, reason: 'restored', at: '2026-11-01T00:00:00.000Z' };

describe('the last agreement of two histories', () => {
  it('is where they part, wherever that is, and asks few positions', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 0, max: 200_000 }), fc.integer({ min: -1, max: 200_000 }), async (low, length, shared) => {
      const [high, parting] = [low + length - 1, low + Math.min(shared, length - 1)];
      let asked = 0;
      expect(await lastAgreement(low, high, async (position) => { asked += 1; return position <= parting; })).toBe(Math.max(low - 1, parting));
      expect(asked).toBeLessThanOrEqual(Math.ceil(Math.log2(length + 1)) + 1);
    }));
  });
});

describe('an explanation', () => {
  it('finds nothing where everybody holds the log\'s events', () => {
    const stream = { epoch: EPOCH, first: 10, last: 90, agreesThrough: 90 };
    expect(explain(evidence({ stream, consumers: [consumer({ position: 80 })] }))).toMatchObject({
      state: 'agrees', reasons: [], agreesThrough: 90, previousHead: 100, consumers: [{ action: 'goes-on', agreesThrough: 80, exact: true, appliesAnew: { from: 81, to: 100, events: 20 } }],
    });
  });

  it('of a restored log counts what each reader loses, repeats and gets anew', () => {
    const stream = { epoch: EPOCH, first: 1, last: 120, agreesThrough: 80 };
    const made = explain(evidence({ stream, consumers: [consumer({ position: 120, agrees: false, state: 'diverged' }), consumer({ name: 'warehouse', position: 70 })] }));
    expect(made).toMatchObject({ state: 'diverged', agreesThrough: 80, previousHead: 120, greatestEpoch: EPOCH });
    expect(made.reasons).toEqual(['the stream ends at 120, ahead of the log, which ends at 100', 'analytics stands at 120, ahead of the log, which ends at 100']);
    expect(made.consumers).toEqual([
      { name: 'analytics', epoch: EPOCH, position: 120, state: 'diverged', action: 'starts-over', agreesThrough: 80, exact: true, loses: { from: 81, to: 120, events: 40 }, repeats: { from: 1, to: 80, events: 80 }, appliesAnew: { from: 81, to: 100, events: 20 } },
      { name: 'warehouse', epoch: EPOCH, position: 70, state: 'running', action: 'goes-on', agreesThrough: 70, exact: true, appliesAnew: { from: 71, to: 100, events: 30 } },
    ]);
  });

  it('of a log that has grown past its readers again names the first position that differs', () => {
    const stream = { epoch: EPOCH, first: 1, last: 90, agreesThrough: 60 };
    const made = explain(evidence({ stream, consumers: [consumer({ position: 90, agrees: false })] }));
    expect(made.reasons).toEqual(['stream and log hold different events from position 61 on', 'analytics has applied another event at position 90 than the log holds there']);
    expect(made.consumers[0]).toMatchObject({ loses: { from: 61, to: 90 }, repeats: { from: 1, to: 60 }, appliesAnew: { from: 61, to: 100 } });
  });

  it('says at most, where nothing keeps what a consumer has applied', () => {
    expect(explain(evidence({ consumers: [consumer({ position: 120, agrees: false, onStream: false })] })).consumers[0]).toMatchObject({ agreesThrough: 100, exact: false, loses: { from: 101, to: 120 } });
    const aged = { epoch: EPOCH, first: 90, last: 120, agreesThrough: 89 };
    expect(explain(evidence({ stream: aged, consumers: [consumer({ position: 110, agrees: false })] })).consumers[0]).toMatchObject({ agreesThrough: 89, exact: false });
  });

  it('of a log the database has lost takes everything back', () => {
    const made = explain({ log, head: 0, silent: ['warehouse'], recoveries: [], stream: { epoch: EPOCH + 5, first: 1, last: 40, agreesThrough: 0 }, consumers: [consumer({ position: 40, agrees: false })] });
    expect(made).toMatchObject({ state: 'diverged', epoch: 0, agreesThrough: 0, previousHead: 40, greatestEpoch: EPOCH + 5, silent: ['warehouse'], consumers: [{ action: 'starts-over', exact: true, loses: { from: 1, to: 40, events: 40 } }] });
    expect(made.consumers[0]).not.toHaveProperty('repeats');
    expect(made.reasons[0]).toContain('the event database has no log sales/0');
  });

  it('calls a log of a database older than its last recovery diverged', () => {
    expect(explain(evidence({ stream: { epoch: EPOCH + 60, first: 1, last: 100, agreesThrough: 100 } }))).toMatchObject({ state: 'diverged', greatestEpoch: EPOCH + 60, reasons: [expect.stringContaining('older epoch')] });
  });

  it('calls what follows a recovery by itself recovering, and what does not still diverged', () => {
    const old = consumer({ position: 120, agrees: false });
    const after = { epoch: recovery.epoch, recoveries: [recovery] };
    expect(explain(evidence({ ...after, consumers: [old] }))).toMatchObject({ state: 'recovering', recovery });
    expect(explain(evidence({ ...after, consumers: [consumer({ epoch: recovery.epoch })] }))).toMatchObject({ state: 'agrees', recovery });
    expect(explain(evidence({ ...after, consumers: [consumer({ epoch: recovery.epoch, position: 130, agrees: false })] }))).toMatchObject({ state: 'diverged' });
    expect(explain(evidence({ epoch: recovery.epoch, consumers: [old] }))).toMatchObject({ state: 'diverged' });
  });

  it('never loses and keeps one position at once, and always ends at the head', () => {
    const position = fc.integer({ min: 0, max: 50 });
    fc.assert(fc.property(position, position, position, fc.integer({ min: 1, max: 51 }), fc.boolean(), fc.boolean(), (head, last, at, first, agrees, onStream) => {
      const stream = { epoch: EPOCH, first: Math.min(first, last + 1), last, agreesThrough: Math.min(last, head) };
      const [made] = explain(evidence({ head, stream, consumers: [consumer({ position: at, agrees: agrees && at <= head, onStream })] })).consumers;
      const kept = made!.action === 'goes-on' ? at : made!.repeats?.to ?? 0;
      expect((made!.loses?.events ?? 0) + kept).toBe(at);
      expect((made!.appliesAnew?.events ?? 0) + Math.min(kept, head)).toBe(head);
    }));
  });
});
