import { describe, expect, it } from '@jest/globals';
import { keptOf, stillRunning, type ExplainedLog } from './restore-drill.ts';

const told = (change: Partial<ExplainedLog> = {}): ExplainedLog => ({
  log: 'sales/0', state: 'diverged', agreesThrough: 30, previousHead: 50, reasons: ['the stream ends at 50, ahead of the log, which ends at 35'], silent: [],
  consumers: [{ name: 'analytics', position: 50, state: 'diverged', agreesThrough: 30, loses: { from: 31, to: 50 } }, { name: 'warehouse', position: 29, state: 'running', agreesThrough: 29 }], ...change,
});
const at = (state: string): { log: string; state: string }[] => [{ log: 'sales/0', state }];

describe('what is ahead of a restored log', () => {
  it('has stopped when relay and consumers beyond the common past stand as diverged', () => {
    expect(stillRunning([told()], at('diverged'), { analytics: at('diverged'), warehouse: at('running') })).toEqual([]);
  });

  it('is not whoever was behind the copy and follows the log as it is now', () => {
    const behind = told({ consumers: [{ name: 'warehouse', position: 44, state: 'running', agreesThrough: 44 }] });
    expect(stillRunning([behind], at('diverged'), { warehouse: at('running') })).toEqual([]);
  });

  it.each([
    ['the relay', at('relaying'), at('diverged'), ['the relay of sales/0']],
    ['a consumer', at('diverged'), at('running'), ['analytics of sales/0']],
    ['both', [], [], ['the relay of sales/0', 'analytics of sales/0']],
  ])('is named while it runs: %s', (_, relays, analytics, named) => {
    expect(stillRunning([told()], relays, { analytics })).toEqual(named);
  });

  it('is not of a log that nobody has seen more of', () => {
    expect(stillRunning([told({ state: 'agrees', previousHead: 30 })], at('relaying'), {})).toEqual([]);
    expect(stillRunning([told({ state: 'agrees' })], at('diverged'), { analytics: at('diverged') })).toEqual(['sales/0 is agrees']);
  });
});

describe('what a mended log kept', () => {
  it('is what the explanation before it named, under the new epoch', () => {
    expect(keptOf([told(), told({ log: 'customer/0', state: 'agrees' })], [{ log: 'sales/0', epoch: 9, previousEpoch: 8 }])).toEqual({ 'sales/0': { epoch: 9, previousEpoch: 8, kept: 30 } });
    expect(keptOf([told()], [])).toEqual({});
  });

  it.each([[told({ state: 'agrees' })], [told({ reasons: [] })], [told({ log: 'sales/1' })]])('is not known without one', (plan) => {
    expect(() => keptOf([plan], [{ log: 'sales/0', epoch: 9, previousEpoch: 8 }])).toThrow('sales/0 was mended, and the explanation before did not name it as diverged');
  });
});
