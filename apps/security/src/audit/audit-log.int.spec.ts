import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PgEventStore } from '@millrace/event-store';
import { fixedClock } from '@millrace/kernel';
import { uniqueTenant } from '@millrace/testing';
import { eventLog, type EventLog } from '../fixtures/event-log.ts';
import { accountRegistered, sessionClosed, sessionRefused } from './account-audit.contract.ts';
import { AuditLog, PLATFORM_TENANT, sharedContract } from './audit-log.ts';

const clock = fixedClock('2026-03-01T08:00:00.000Z');
let log: EventLog;
let store: PgEventStore;
let audit: AuditLog;
beforeAll(async () => {
  log = await eventLog();
  store = PgEventStore.connect({ url: log.url, applicationName: 'security', clock });
  audit = new AuditLog(store, clock);
});
afterAll(async () => {
  await Promise.all([store.close(), log.producer.close()]);
  await log.remove();
});

const closed = (sessionId: string) => ({ tenant: PLATFORM_TENANT, contract: sessionClosed, data: { actor: 'a-1', sessionId } });

describe('the audit log', () => {
  it('holds who did what and when, in the actor\'s own stream, tied to the request\'s trace', async () => {
    const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;
    const tenant = uniqueTenant();
    await audit.record({ tenant, contract: accountRegistered, data: { actor: 'a-1', method: 'login-link' }, traceparent });
    const [event] = (await log.audited()).filter((each) => each.tenant === tenant);
    expect(event).toMatchObject({ type: 'security.account.registered', data: { actor: 'a-1', method: 'login-link' } });
    expect(JSON.parse(event!.text.slice(0, event!.text.indexOf('} {') + 1))).toEqual({
      specversion: '1.0', id: expect.stringMatching(/^[0-9a-f-]{36}$/), source: 'urn:millrace:security', type: 'security.account.registered', version: 1, tenant, stream: 'security.account/a-1',
      time: '2026-03-01T08:00:00.000Z', receivedtime: '2026-03-01T08:00:00.000Z', recordedtime: '2026-03-01T08:00:00.000Z', via: 'security', fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/), traceparent,
    });
  });

  it('keeps every one of many recorded at once', async () => {
    await Promise.all(Array.from({ length: 40 }, (_, index) => audit.record(closed(`s-${index}`))));
    const sessions = (await log.audited()).filter(({ type }) => type === 'security.session.closed').map(({ data }) => data['sessionId']);
    expect(new Set(sessions).size).toBe(40);
  });

  it('takes two equal facts for two', async () => {
    for (let time = 0; time < 2; time += 1) await audit.record({ tenant: PLATFORM_TENANT, contract: sessionRefused, data: { actor: 'unknown', reason: 'unknown-account' } });
    expect((await log.audited()).filter(({ type }) => type === 'security.session.refused')).toHaveLength(2);
  });

  it('refuses what does not fit its contract, and says nothing of the value', async () => {
    const fact = { tenant: PLATFORM_TENANT, contract: sessionRefused, data: { actor: 'a-1', reason: 'canary' } };
    await expect(audit.record(fact)).rejects.toMatchObject({ kind: 'invalid', code: 'fact-malformed', details: { pointer: '/reason' } });
    await expect(audit.record(fact)).rejects.not.toThrow(/canary/);
  });

  it('drops what the contract does not name', async () => {
    const tenant = uniqueTenant();
    await audit.record({ ...closed('s-1'), tenant, data: { actor: 'a-1', sessionId: 's-1', name: 'Ada' } });
    expect((await log.audited()).filter((each) => each.tenant === tenant).map(({ data }) => data)).toEqual([{ actor: 'a-1', sessionId: 's-1' }]);
  });

  it('knows the shared vocabulary and nothing else', () => {
    expect(sharedContract('security.session.opened', 1).type).toBe('security.session.opened');
    expect(() => sharedContract('security.session.opened', 99)).toThrow(/no security.session.opened version 99/);
  });
});

describe('security\'s role', () => {
  it('may write its own context and read customers, and nothing more', async () => {
    const write = (context: 'customer' | 'sales', by: PgEventStore) =>
      by.append({ tenant: 'shop', context, shard: 0 }, [{ stream: `${context}.thing/1`, expectedVersion: 'any', events: [event(context)] }]);
    await expect(write('customer', store)).rejects.toMatchObject({ kind: 'forbidden' });
    for (const context of ['sales', 'customer'] as const) await write(context, log.producer);
    await expect(store.readStream('shop', 'sales.thing/1', 0, 10)).rejects.toMatchObject({ kind: 'forbidden' });
    expect(await store.readStream('shop', 'customer.thing/1', 0, 10)).toHaveLength(1);
  });
});

const event = (context: string) => ({
  envelope: {
    specversion: '1.0' as const, id: `e-${context}`, source: 'urn:test', type: `${context}.thing.happened`, version: 1, tenant: 'shop', stream: `${context}.thing/1`,
    time: '2026-03-01T08:00:00.000Z', receivedtime: '2026-03-01T08:00:00.000Z', via: 'test', fingerprint: '0'.repeat(64),
  },
  data: Buffer.from('{}'),
});
