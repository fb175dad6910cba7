import { describe, expect, it } from '@jest/globals';
import { lagFindings } from '../doctor/running.ts';
import { sqlTable } from './ask.ts';
import { joinConsumers } from './status.ts';

const log = { tenant: 'shop', log: 'sales/0', epoch: 7, head: 30, relayed: 30 };
const consumer = { tenant: 'shop', log: 'sales/0', epoch: 7, position: 30, state: 'running' };

describe('a log in the status document', () => {
  it('has the consumers of its own tenant and log, by service', () => {
    const joined = joinConsumers([log, { ...log, tenant: 'demo' }], new Map([
      ['analytics', [consumer, { ...consumer, tenant: 'demo', position: 4 }]],
      ['warehouse', [{ ...consumer, position: 12, state: 'diverged', reason: 'ahead', parked: 1 }, { ...consumer, log: 'customer/0' }]],
    ]));
    expect(joined).toEqual([
      { ...log, consumers: [{ name: 'analytics', position: 30, state: 'running' }, { name: 'warehouse', position: 12, state: 'diverged', reason: 'ahead', parked: 1 }] },
      { ...log, tenant: 'demo', consumers: [{ name: 'analytics', position: 4, state: 'running' }] },
    ]);
  });
});

describe('doctor', () => {
  const oneConsumer = (state: string, position: number, head = 30, parked = 0) => lagFindings({ logs: [{ ...log, head, relayed: head, consumers: [{ name: 'analytics', position, state, parked }] }] }).at(1)!;
  it('is content with a consumer at the head or a little behind', () => {
    expect(oneConsumer('running', 30).ok).toBe(true);
    expect(oneConsumer('catching-up', 0).ok).toBe(true);
  });
  it.each([['diverged', 40, 30, 0], ['stopped', 30, 30, 0], ['running', 0, 50_000, 0], ['running', 30, 30, 2]] as const)('names a remedy when a consumer is %s at %d of %d with %d parked', (state, position, head, parked) => {
    expect(oneConsumer(state, position, head, parked)).toMatchObject({ ok: false, remedy: expect.stringContaining('analytics') });
  });
  it('reports a relay that is behind or diverged', () => {
    expect(lagFindings({ logs: [{ ...log, head: 50_000, relayed: 1, consumers: [] }] })[0]).toMatchObject({ ok: false });
    expect(lagFindings({ logs: [{ ...log, state: 'diverged', consumers: [] }] })[0]).toMatchObject({ ok: false, name: 'relay shop sales/0' });
  });
});

describe('an answer of the warehouse', () => {
  it('is a table whether rows are objects or lists', () => {
    const table = 'COUNTRY    N\nFrance     2';
    expect(sqlTable({ asOf: {}, columns: ['country', 'n'], rows: [{ country: 'France', n: 2 }] }).replaceAll(/ +/g, ' ')).toBe(table.replaceAll(/ +/g, ' '));
    expect(sqlTable({ asOf: {}, columns: [{ name: 'country' }, { name: 'n' }], rows: [['France', 2]] }).replaceAll(/ +/g, ' ')).toBe(table.replaceAll(/ +/g, ' '));
  });
});
