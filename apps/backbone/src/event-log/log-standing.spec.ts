import { describe, expect, it } from '@jest/globals';
import type { RelayStatus } from '@millrace/event-bus';
import { CONTEXTS, logName, type LogHead } from '@millrace/kernel';
import fc from 'fast-check';
import { joinRelay } from './log-standing.ts';

const head = (part: Partial<LogHead> = {}): LogHead => ({ tenant: 'shop', context: 'sales', shard: 0, epoch: 1_700_000_000, position: 12, ...part });
const status = (part: Partial<RelayStatus> = {}): RelayStatus => ({ tenant: 'shop', log: 'sales/0', epoch: 1_700_000_000, head: 12, relayed: 12, state: 'relaying', ...part });

describe('the standing of a log', () => {
  it('is its head beside what the relay last knew', () => {
    expect(joinRelay([head()], [status({ relayed: 9 })])).toEqual([{ tenant: 'shop', log: 'sales/0', epoch: 1_700_000_000, head: 12, relayed: 9, state: 'relaying' }]);
  });

  it('takes the head from the database, which is newer than the relay\'s', () => {
    expect(joinRelay([head({ position: 20 })], [status({ head: 12 })])).toMatchObject([{ head: 20, relayed: 12 }]);
  });

  it('waits at 0 while the relay does not know the log', () => {
    expect(joinRelay([head({ position: 0 })], [])).toEqual([{ tenant: 'shop', log: 'sales/0', epoch: 1_700_000_000, head: 0, relayed: 0, state: 'waiting' }]);
  });

  it('says why a relay stands still', () => {
    expect(joinRelay([head()], [status({ state: 'diverged', relayed: 30, reason: 'the stream ends at sequence 30' })])).toMatchObject([{ state: 'diverged', relayed: 30, reason: 'the stream ends at sequence 30' }]);
    expect(joinRelay([head()], [status()])[0]).not.toHaveProperty('reason');
  });

  it('is its stream\'s where the database has lost the log', () => {
    const lost = status({ log: 'customer/0', head: 0, relayed: 40, state: 'diverged', reason: 'no log' });
    expect(joinRelay([head()], [status(), lost])).toEqual([expect.objectContaining({ log: 'sales/0' }), lost]);
  });

  it.each([['tenant', { tenant: 'other' }], ['context', { log: 'customer/0' }], ['shard', { log: 'sales/1' }], ['epoch', { epoch: 1_600_000_000 }]])('is not mixed up with that of another %s', (_, part) => {
    expect(joinRelay([head()], [status(part)])).toMatchObject([{ relayed: 0, state: 'waiting' }]);
  });

  it('is one per head, in their order, each with its own relay, however the relays are listed', () => {
    const logs = fc.uniqueArray(fc.record({ tenant: fc.constantFrom('a', 'a-1', 'b'), context: fc.constantFrom(...CONTEXTS), shard: fc.nat(12), epoch: fc.constantFrom(1, 11, 111), position: fc.nat(1000) }), { selector: (log) => JSON.stringify([log.tenant, logName(log), log.epoch]) });
    fc.assert(fc.property(logs, fc.func(fc.nat(1000)), fc.func(fc.integer()), (heads, relayedOf, order) => {
      const relays = heads.map((each) => status({ tenant: each.tenant, log: logName(each), epoch: each.epoch, relayed: relayedOf(logName(each), each.epoch) })).toSorted((a, b) => order(a.log) - order(b.log));
      expect(joinRelay(heads, relays)).toEqual(heads.map((each) => ({ tenant: each.tenant, log: logName(each), epoch: each.epoch, head: each.position, relayed: relayedOf(logName(each), each.epoch), state: 'relaying' })));
    }));
  });
});
