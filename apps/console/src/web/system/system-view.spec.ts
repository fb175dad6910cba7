import { describe, expect, it } from '@jest/globals';
import { consumersOf, lagOf, serviceRows, snapshotLine, type SystemView } from './system-view.ts';

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

describe('the services', () => {
  const services: SystemView['services'] = [{ name: 'console', healthy: true, problems: {} }, { name: 'analytics', healthy: false, problems: { bus: 'away' } }];

  it('come with memory and restarts, and are followed by the other processes of the supervisor', () => {
    const processes = [{ name: 'nats', healthy: true, pssBytes: 3, restarts: 0 }, { name: 'analytics', healthy: true, pssBytes: 5, restarts: 2 }];
    expect(serviceRows({ services, processes })).toEqual([
      { name: 'console', healthy: true, problems: {} }, { name: 'analytics', healthy: false, problems: { bus: 'away' }, pssBytes: 5, restarts: 2 },
      { name: 'nats', healthy: true, problems: {}, pssBytes: 3, restarts: 0 },
    ]);
  });

  it('come alone where no supervisor can be asked', () => {
    expect(serviceRows({ services })).toEqual(services);
  });
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
