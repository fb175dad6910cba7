import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findContract } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import { CachedSubjectKeys, KEY_SUBJECTS, NatsSubjectKeyProvider, sealFields, type SubjectKeys } from '@millrace/privacy';
import { eventually, natsUrl, uniqueTenant, withClient } from '@millrace/testing';
import { createCurve } from '@nats-io/nkeys';
import { connect } from '@nats-io/transport-node';
import { runningSecurity, type Answer, type RunningSecurity } from './fixtures/running-security.ts';

let security: RunningSecurity;
beforeAll(async () => {
  security = await runningSecurity();
  await eventually('security to answer on NATS', async () => (await security.provider().keysOf('shop', [unknownRef], [])).length === 1);
});
afterAll(() => security.stop());

const number = (value: string) => ({ kind: 'customer-number', value });
const PURPOSES = ['identity', 'contact', 'fingerprint'];
const SECRETS = ['C-4711-canary-9f2e', 'canary.person@example.org', 'Canary Lovelace', 'correct canary battery staple'] as const;
const [NUMBER, EMAIL, NAME, PASSWORD] = SECRETS;

/** Registers a customer as ingestion does: keys from security, fields sealed, appended. */
const register = async (tenant: string, value: string, email: string = EMAIL): Promise<SubjectKeys> => {
  const contract = findContract('customer.profile.registered', 1)!;
  const [person] = await security.provider().resolve(tenant, [{ identifiers: [number(value), { kind: 'email', value: email }], purposes: PURPOSES }]);
  const id = `registered-${person!.ref}`;
  const data: JsonObject = sealFields({ customer: { number: value, email, name: NAME } }, contract.protectedFields, person!, { eventId: id, typeVersion: 1, subjectAt: contract.subjectAt });
  const stream = `customer.profile/${person!.ref}`;
  const time = new Date().toISOString();
  const envelope = { specversion: '1.0' as const, id, source: 'urn:test', type: contract.type, version: 1, tenant, stream, time, receivedtime: time, via: 'test', fingerprint: '0'.repeat(64) };
  await security.log.producer.append({ tenant, context: 'customer', shard: 0 }, [{ stream, expectedVersion: 'any', events: [{ envelope, data: Buffer.from(JSON.stringify(data)) }] }]);
  return person!;
};
const reveal = (tenant: string, refs: readonly string[], change: Record<string, unknown> = {}, as: 'operator' | 'console' = 'operator'): Promise<Answer> =>
  security.call('POST', '/v1/reveal', { tenant, refs, field: 'customer-number', reason: 'ticket 1234: wrong invoice', ...change }, { as });
const audits = async (tenant: string) => (await security.log.audited()).filter((event) => event.tenant === tenant).map(({ type, data }) => ({ type, data }));
const unknownRef = `sub_${'0'.repeat(32)}`;

describe('keys over NATS', () => {
  it('come to a caller that security knows, the same every time, within the caller\'s cache bounds', async () => {
    const tenant = uniqueTenant();
    const cache = new CachedSubjectKeys(security.provider(), { maxSubjects: 10, ttlMs: 60_000 });
    const [one] = await cache.resolve(tenant, [{ identifiers: [number('1')], purposes: PURPOSES }]);
    expect(await security.provider().find(tenant, [[number('1')], [number('2')]], PURPOSES)).toEqual([one, undefined]);
    expect(await security.provider().keysOf(tenant, [unknownRef, one!.ref], PURPOSES)).toEqual([undefined, one]);
    await cache.resolve(tenant, Array.from({ length: 300 }, (_, index) => ({ identifiers: [number(`more-${index}`)], purposes: PURPOSES })));
    expect(cache.size).toBe(40);
    cache.clear();
  });

  it('are refused to a curve key that is not named, and to bytes that are no request', async () => {
    await expect(security.provider(createCurve()).keysOf('shop', [unknownRef], [])).rejects.toMatchObject({ kind: 'unavailable', code: 'keys-unavailable', details: { reason: 'xkey-unknown' } });
    expect(Buffer.from(await security.port.ask(KEY_SUBJECTS.find, Buffer.from('hello'))).toString()).toBe('\0key-request-malformed');
  });

  it('are refused when a request comes on the subject of another operation', async () => {
    const crossed = new NatsSubjectKeyProvider(
      { ask: (_, bytes) => security.port.ask(KEY_SUBJECTS.find, bytes) },
      { seed: Buffer.from(security.ingestion.getSeed()).toString(), securityXkey: security.security.getPublicKey() });
    await expect(crossed.resolve('shop', [{ identifiers: [number('1')], purposes: [] }])).rejects.toMatchObject({ details: { reason: 'key-operation-mismatch' } });
  });

  it('never leave in plain: nothing of identifier, reference or key is in any message', async () => {
    const listener = await connect({ servers: natsUrl() });
    const seen: Buffer[] = [];
    listener.subscribe('>', { callback: (_, message) => { seen.push(Buffer.from(message.data)); } });
    await listener.flush();
    const [person] = await security.provider().resolve(uniqueTenant(), [{ identifiers: [number(NUMBER), { kind: 'email', value: EMAIL }], purposes: PURPOSES }]);
    await listener.drain();
    const wire = Buffer.concat(seen);
    expect(wire.length).toBeGreaterThan(500);
    const keys = [...person!.keys.values()].map(({ key }) => Buffer.from(key));
    for (const bytes of [...SECRETS.map((text) => Buffer.from(text)), Buffer.from(person!.ref), security.rootKey, ...keys]) {
      for (const form of [bytes, Buffer.from(bytes.toString('hex')), Buffer.from(bytes.toString('base64').replace(/=+$/, '')), Buffer.from(bytes.toString('base64url'))]) expect(wire.includes(form)).toBe(false);
    }
  });

  it('fail closed while the key database is away, and come again', async () => {
    const tenant = uniqueTenant();
    await security.provider().resolve(tenant, [{ identifiers: [number('1')], purposes: PURPOSES }]);
    await withClient(security.accounts.url, async (admin) => {
      await admin.query(`alter database "${security.keys.name}" allow_connections false`);
      await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [security.keys.name]);
      await expect(security.provider().find(tenant, [[number('1')]], PURPOSES)).rejects.toMatchObject({ kind: 'unavailable', code: 'keys-unavailable' });
      await admin.query(`alter database "${security.keys.name}" allow_connections true`);
    });
    // Connections that were just cut may be handed out once more.
    expect(await eventually('keys again', () => security.provider().find(tenant, [[number('1')]], PURPOSES))).toEqual([expect.objectContaining({ ref: expect.stringMatching(/^sub_/) })]);
  });
});

describe('a reveal', () => {
  it('gives the number behind each reference, says what it can\'t, and is in the log first', async () => {
    const tenant = uniqueTenant();
    const [one, two] = [await register(tenant, NUMBER), await register(tenant, 'C-2', 'other@example.org')];
    const answer = await reveal(tenant, [two.ref, unknownRef, one.ref]);
    expect(answer).toMatchObject({ status: 200, body: { revealed: [{ ref: two.ref, value: 'C-2' }, { ref: unknownRef, error: 'not-found' }, { ref: one.ref, value: NUMBER }] } });
    expect(await audits(tenant)).toEqual([{ type: 'security.identifier.revealed', data: { actor: 'operator', reason: 'ticket 1234: wrong invoice', field: 'customer-number', refs: [two.ref, unknownRef, one.ref], outcome: 'revealed' } }]);
    expect((await reveal(tenant, [one.ref], { field: 'name' })).body).toEqual({ revealed: [{ ref: one.ref, value: NAME }] });
    expect((await reveal(tenant, [one.ref], { field: 'phone' })).body).toEqual({ revealed: [{ ref: one.ref, error: 'not-found' }] });
    expect((await reveal(uniqueTenant(), [one.ref])).body).toEqual({ revealed: [{ ref: one.ref, error: 'not-found' }] });
  });

  it('says so when the subject was erased', async () => {
    const tenant = uniqueTenant();
    const person = await register(tenant, 'C-3');
    await withClient(security.keys.url, (client) => client.query('delete from subject_key where tenant = $1', [tenant]));
    expect((await reveal(tenant, [person.ref])).body).toEqual({ revealed: [{ ref: person.ref, error: 'erased' }] });
  });

  it('is refused to the console\'s token, and that is in the log too', async () => {
    const tenant = uniqueTenant();
    const person = await register(tenant, NUMBER);
    expect(await reveal(tenant, [person.ref], {}, 'console')).toMatchObject({ status: 403, type: expect.stringContaining('application/problem+json'), body: { code: 'reveal-not-allowed' } });
    expect(await audits(tenant)).toEqual([expect.objectContaining({ data: expect.objectContaining({ actor: 'console', outcome: 'refused', code: 'reveal-not-allowed' }) })]);
  });

  it('gives nothing when its audit event can\'t be stored', async () => {
    const tenant = uniqueTenant();
    const person = await register(tenant, NUMBER);
    await security.log.audited();
    await security.log.refuseAudits();
    const answer = await reveal(tenant, [person.ref]);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(JSON.stringify(answer.body)).not.toContain(NUMBER);
    await security.log.allowAudits();
    expect(await audits(tenant)).toEqual([]);
    expect((await reveal(tenant, [person.ref])).status).toBe(200);
  });
});

describe('the console\'s way in', () => {
  it('is a link made by the operator, an account, a session, and out again', async () => {
    const { body: link } = await security.call('POST', '/v1/login-links', {});
    expect(link).toEqual({ token: expect.stringMatching(/^[\w-]{43}$/), expiresAt: expect.any(String) });
    const redeemed = await security.call('POST', '/v1/login-links/redeem', { token: link['token'], name: NAME, password: PASSWORD, email: EMAIL }, { as: 'console' });
    expect(redeemed).toMatchObject({ status: 201, body: { name: NAME } });
    expect(await security.call('POST', '/v1/login-links/redeem', { token: link['token'], name: 'Other', password: PASSWORD }, { as: 'console' })).toMatchObject({ status: 403, body: { code: 'login-link-invalid' } });
    const { status, body } = await security.call('POST', '/v1/sessions', { name: NAME, password: PASSWORD }, { as: 'console' });
    expect(status).toBe(201);
    const headers = { 'x-millrace-session': String(body['session']) };
    expect(await security.call('GET', '/v1/sessions/current', undefined, { as: 'console', headers })).toMatchObject({ status: 200, body: { name: NAME } });
    expect((await security.call('DELETE', '/v1/sessions/current', undefined, { as: 'console', headers })).status).toBe(204);
    expect(await security.call('GET', '/v1/sessions/current', undefined, { as: 'console', headers })).toMatchObject({ status: 401, body: { code: 'session-unknown' } });
    expect(await security.call('POST', '/v1/sessions', { name: NAME, password: 'wrong canary password' }, { as: 'console' })).toMatchObject({ status: 401, body: { code: 'login-failed' } });
  });

  it('is given back to who lost the password by a link for their account', async () => {
    const { body: first } = await security.call('POST', '/v1/login-links', {});
    await security.call('POST', '/v1/login-links/redeem', { token: first['token'], name: 'Grace', password: PASSWORD }, { as: 'console' });
    const { body: link } = await security.call('POST', '/v1/login-links', { account: 'grace' });
    expect(link).toMatchObject({ account: 'Grace' });
    expect((await security.call('POST', '/v1/login-links/redeem', { token: link['token'], name: 'Grace', password: 'quite another password' }, { as: 'console' })).status).toBe(201);
    expect((await security.call('POST', '/v1/sessions', { name: 'Grace', password: 'quite another password' }, { as: 'console' })).status).toBe(201);
    expect(await security.call('POST', '/v1/login-links', { account: 'nobody' })).toMatchObject({ status: 404, body: { code: 'account-unknown' } });
  });

  it('starts with the operator only', async () => {
    expect(await security.call('POST', '/v1/login-links', {}, { as: 'console' })).toMatchObject({ status: 403, body: { code: 'principal-not-allowed' } });
  });
});

describe('bad input', () => {
  const reason = 'ticket 1234: wrong invoice';
  it.each<[string, string, string, { body?: unknown; raw?: string; headers?: Record<string, string>; as?: 'nobody' }, number]>([
    ['no token', 'POST', '/v1/reveal', { body: {}, as: 'nobody' }, 401],
    ['not JSON', 'POST', '/v1/reveal', { raw: '{"tenant":' }, 400],
    ['another content type', 'POST', '/v1/reveal', { raw: 'tenant: shop', headers: { 'content-type': 'text/yaml' } }, 415],
    ['a body too large', 'POST', '/v1/reveal', { raw: JSON.stringify({ reason: 'x'.repeat(2_000_000) }) }, 413],
    ['no members', 'POST', '/v1/reveal', { body: {} }, 400],
    ['a list', 'POST', '/v1/reveal', { body: [] }, 400],
    ['a member too many', 'POST', '/v1/reveal', { body: { tenant: 'shop', refs: [unknownRef], field: 'customer-number', reason, sql: '1' } }, 400],
    ['a tenant of another form', 'POST', '/v1/reveal', { body: { tenant: 'Shop/../x', refs: [unknownRef], field: 'customer-number', reason } }, 400],
    ['a reference of another form', 'POST', '/v1/reveal', { body: { tenant: 'shop', refs: [NUMBER], field: 'customer-number', reason } }, 400],
    ['no reference', 'POST', '/v1/reveal', { body: { tenant: 'shop', refs: [], field: 'customer-number', reason } }, 400],
    ['too many references', 'POST', '/v1/reveal', { body: { tenant: 'shop', refs: Array.from({ length: 501 }, () => unknownRef), field: 'customer-number', reason } }, 400],
    ['an unknown field', 'POST', '/v1/reveal', { body: { tenant: 'shop', refs: [unknownRef], field: 'password', reason } }, 400],
    ['no reason worth the name', 'POST', '/v1/reveal', { body: { tenant: 'shop', refs: [unknownRef], field: 'customer-number', reason: '         ' } }, 400],
    ['a NUL in the reason', 'POST', '/v1/reveal', { body: { tenant: 'shop', refs: [unknownRef], field: 'customer-number', reason: 'ticket\0 1234567' } }, 400],
    ['a short password', 'POST', '/v1/login-links/redeem', { body: { token: 'x', name: 'Ada', password: 'short' } }, 400],
    ['a password of a megabyte', 'POST', '/v1/sessions', { body: { name: 'Ada', password: 'x'.repeat(1_000_000) } }, 400],
    ['a name without letters', 'POST', '/v1/login-links/redeem', { body: { token: 'x', name: ' \n', password: PASSWORD } }, 400],
    ['a link that is none', 'POST', '/v1/login-links/redeem', { body: { token: 'x', name: 'Ada', password: PASSWORD } }, 403],
    ['no session', 'GET', '/v1/sessions/current', {}, 401],
    ['an unknown route', 'GET', '/v1/keys', {}, 404],
  ])('%s is answered with its status and a problem', async (_, method, path, { body, ...options }, status) => {
    const answer = await security.call(method, path, body, options);
    expect(answer).toMatchObject({ status, type: expect.stringContaining('application/problem+json'), body: { status, code: expect.any(String), traceId: expect.any(String), title: expect.any(String) } });
    expect(answer.body['detail']).toMatch(/.{20}/);
    for (const secret of SECRETS) expect(JSON.stringify(answer.body)).not.toContain(secret);
  });
});

describe('what is written down', () => {
  it('holds no personal value, token or key: log lines, audit events, account and key tables', async () => {
    const tenant = uniqueTenant();
    const person = await register(tenant, NUMBER);
    await reveal(tenant, [person.ref]);
    await security.call('POST', '/v1/sessions', { name: 'canary-unknown-name', password: PASSWORD });
    const lines = security.lines.join('');
    const audited = (await security.log.audited()).map(({ text }) => text).join('\n');
    const keys = [...person.keys.values()].flatMap(({ key }) => [Buffer.from(key).toString('hex'), Buffer.from(key).toString('base64')]);
    for (const secret of [...SECRETS, 'canary-unknown-name', ...keys, security.rootKey.toString('hex')]) {
      expect(lines).not.toContain(secret);
      expect(audited).not.toContain(secret);
    }
    expect(lines).toContain('key request refused');
    expect(audited).toContain(person.ref);
    const stored = await security.call('GET', '/ready', undefined, { as: 'nobody' });
    expect(stored).toMatchObject({ status: 200, body: { ready: true, checks: { keys: 'ok', accounts: 'ok', events: 'ok', nats: 'ok' } } });
  });
});
