import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { uniqueTenant } from '@millrace/testing';
import { runningSecurity, type RunningSecurity } from '../fixtures/running-security.ts';

const tenant = uniqueTenant();
let security: RunningSecurity;
beforeAll(async () => {
  security = await runningSecurity();
  const stream = 'customer.profile/sub_00112233445566778899aabbccddeeff';
  const time = '2026-11-01T00:00:00.000Z';
  await security.log.producer.append({ tenant, context: 'customer', shard: 0 }, [{
    stream, expectedVersion: 'any',
    events: ['a', 'b'].map((id) => ({
      envelope: { specversion: '1.0' as const, id, source: 'urn:test', type: 'customer.profile.registered', version: 1, tenant, stream, time, receivedtime: time, via: 'test', fingerprint: '0'.repeat(64) },
      data: Buffer.from('{"note":"a card number"}'),
    })),
  }]);
});
afterAll(() => security.stop());

const order = (body: Record<string, unknown>, as: 'operator' | 'console' | 'nobody' = 'operator') =>
  security.call('POST', '/v1/redactions', { tenant, eventId: 'b', reason: 'TICKET-7: card number in a note', ...body }, { as });

describe('an order to redact', () => {
  it('is a fact in the security log, which names the event and why', async () => {
    const answer = await order({});
    expect(answer).toMatchObject({ status: 201, body: { factId: 'redacted/customer/0/2', context: 'customer', shard: 0, position: 2 } });
    const again = await order({});
    expect(again.body).toEqual(answer.body);
  });
  it('with another reason is another telling of what was told', async () => {
    expect(await order({ reason: 'TICKET-8: something else' })).toMatchObject({ status: 409, body: { code: 'fact-id-reused' } });
  });
  it('is refused for what isn\'t there, and for the security log itself', async () => {
    expect(await order({ eventId: 'nobody' })).toMatchObject({ status: 404, body: { code: 'event-unknown' } });
    expect(await order({ eventId: 'redacted/customer/0/2' })).toMatchObject({ status: 409, body: { code: 'redaction-of-redaction' } });
  });
  it('is the operator\'s alone', async () => {
    expect(await order({}, 'console')).toMatchObject({ status: 403, body: { code: 'principal-not-allowed' } });
    expect(await order({}, 'nobody')).toMatchObject({ status: 401 });
  });
  it.each([[{ reason: 'short' }], [{ reason: 'with\u0000control characters' }], [{ tenant: 'Shop' }], [{ eventId: '' }], [{ more: 1 }]])('is refused as %j', async (body) => {
    expect((await order(body)).status).toBe(400);
  });
});
