import { describe, expect, it } from '@jest/globals';
import { consumersOf, lagOf, snapshotLine, type SystemView } from './system-view.ts';

const log = { tenant: 'shop', log: 'sales/0', epoch: 7, head: 100, relayed: 90 };
const consumer = { tenant: 'shop', log: 'sales/0', position: 80, state: 'running' };
const view: SystemView = {
  services: [], logs: [log], sources: [],
  consumers: [{ name: 'analytics', consumers: [consumer, { ...consumer, tenant: 'demo' }, { ...consumer, log: 'customer/0' }] }, { name: 'warehouse' }],
};

it('lists the consumers of a log of this tenant by service', () => {
  expect(consumersOf(view, log)).toEqual([{ ...consumer, name: 'analytics' }]);
});

it('shows a log that nobody reads', () => {
  expect(consumersOf({ ...view, consumers: [] }, log)).toEqual([{ name: '' }]);
  expect(lagOf(log, { name: '' })).toBe('');
});

it('gives the lag in events, never below zero', () => {
  expect(lagOf(log, { name: 'analytics', position: 80 })).toBe('20');
  expect(lagOf(log, { name: 'analytics', position: 101 })).toBe('0');
});

describe('the oldest snapshot', () => {
  it('is told with its age, and with what to do once it is too old', () => {
    expect(snapshotLine({ snapshotSeconds: 0.04, thresholdSeconds: 60, alert: false })).toEqual({ state: 'good', text: 'oldest open snapshot: 0.0 s' });
    expect(snapshotLine({ snapshotSeconds: 90.25, thresholdSeconds: 60, alert: true })).toEqual({ state: 'bad', text: expect.stringMatching(/^oldest open snapshot: 90\.[23] s, over 60 s: .*pg_stat_activity/) });
  });

  it('is left out while it is not known', () => {
    for (const unknown of [undefined, {}, { thresholdSeconds: 60 }]) expect(snapshotLine(unknown)).toBeUndefined();
  });
});
