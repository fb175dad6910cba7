import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PgEventStore } from '@millrace/event-store';
import type { LogKey } from '@millrace/kernel';
import { parseProof, VerifierKey, verifyProof, type TrustedKeys } from '@millrace/ledger';
import { buildService, drainService, makeLogger } from '@millrace/service-kit';
import { eventually, freePort, freshDatabase, natsUrl, uniqueTenant, withClient, type TestDatabase } from '@millrace/testing';
import { logKey, witnessKey } from '../ledger/testing.ts';
import { PASSWORD, prepared, runBackbone, unitsOf, idsOf, type RunningBackbone } from '../testing.ts';
import { witnessHttp } from '../witness/protocol-http.ts';
import { witnessConfig } from '../witness/witness.config.ts';

const tenant = uniqueTenant();
const log: LogKey = { tenant, context: 'sales', shard: 0 };
let dir: string;
let events: TestDatabase;
let store: PgEventStore;
let witness: NestFastifyApplication;
let witnessUrl: string;
let running: RunningBackbone;

const startWitness = async (port: number): Promise<NestFastifyApplication> => {
  const app = await buildService({ config: witnessConfig, http: witnessHttp, module: async () => (await import('../witness/witness.module.ts')).WitnessModule }, {
    httpHost: '127.0.0.1', httpPort: port, logLevel: 'fatal', otlpEndpoint: undefined, apiTokens: [],
    seedFile: join(dir, 'witness.seed'), stateDir: join(dir, 'witness'), logKeys: [logKey.verifier],
  }, makeLogger('witness', 'fatal'));
  await app.listen(port, '127.0.0.1');
  return app;
};
interface Standing { readonly key: string; readonly witnessKey: string; readonly logs: { readonly log: string; readonly size: number; readonly cosigned: number; readonly reason?: string }[] }
const standing = async (): Promise<Standing> => await running.json(`/v1/ledger?tenant=${tenant}`) as Standing;
const cosignedAt = (size: number): Promise<Standing> => eventually(`${size} events cosigned`, async () => {
  const found = await standing();
  return found.logs.some((one) => one.log === 'sales/0' && one.cosigned === size) && found;
});
const lines = async (query: string): Promise<Record<string, unknown>[]> => (await (await running.get(`/v1/ledger/verify?${query}`)).text()).trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-verification-'));
  await writeFile(join(dir, 'witness.seed'), `${'02'.repeat(32)}\n`, { mode: 0o600 });
  await writeFile(join(dir, 'log.seed'), `${'01'.repeat(32)}\n`, { mode: 0o600 });
  witness = await startWitness(await freePort());
  witnessUrl = await witness.getUrl();
  events = await freshDatabase({ template: 'backbone_events', migrate: prepared });
  store = PgEventStore.connect({ url: events.urlAs('millrace_ingestion', PASSWORD), applicationName: 'spec' });
  running = await runBackbone({ eventsUrl: events.urlAs('millrace_backbone', PASSWORD), natsUrl: natsUrl(), ledger: { witnessUrl, witnessKey: witnessKey.verifier, ledgerSeedFile: join(dir, 'log.seed') } });
});
afterAll(async () => {
  await running.close();
  await drainService(witness);
  await store.close();
  await events.drop();
  await rm(dir, { recursive: true });
});

describe('the ledger of a running backbone', () => {
  it('is cosigned by the witness process within seconds, under the keys it tells', async () => {
    await store.append(log, unitsOf(log, 40));
    const { key, witnessKey: told } = await cosignedAt(40);
    expect([key, told]).toEqual([logKey.verifier.toString(), witnessKey.verifier.toString()]);
  });

  it('goes on when the witness was away, from what the witness remembers', async () => {
    await drainService(witness);
    await store.append(log, unitsOf(log, 10));
    await eventually('a reason', async () => (await standing()).logs.some((one) => one.size === 50 && /witness is away/.test(one.reason ?? '')));
    witness = await startWitness(Number(new URL(witnessUrl).port));
    expect((await cosignedAt(50)).logs).toHaveLength(1);
  });

  it('proves an event to who has only the keys', async () => {
    const units = unitsOf(log, 5);
    await store.append(log, units);
    const { key, witnessKey: told } = await cosignedAt(55);
    const trusted: TrustedKeys = { log: VerifierKey.parse(key), witness: VerifierKey.parse(told) };
    const answer = await running.json(`/v1/ledger/proofs/${idsOf(units)[2]}?tenant=${tenant}`) as { position: number; proof: string };
    const proof = parseProof(answer.proof);
    expect(verifyProof(proof, trusted)).toMatchObject({ size: 55, origin: expect.stringContaining(`millrace/${tenant}/sales/0/`) });
    expect(JSON.parse(Buffer.from(proof.entry.subarray(0, -32)).toString())).toMatchObject({ id: idsOf(units)[2] });
    expect(answer.position).toBe(proof.index + 1);
  });

  it('refuses to prove what it hasn\'t got, or what was changed', async () => {
    expect((await running.get(`/v1/ledger/proofs/nobody?tenant=${tenant}`)).status).toBe(404);
    const [event] = await withClient(events.url, async (client) => (await client.query<{ id: string; data: Buffer }>('select id, data from millrace.event where position = 7')).rows);
    await withClient(events.url, (client) => client.query("update millrace.event set data = '{}' where position = 7"));
    expect(await running.json(`/v1/ledger/proofs/${event!.id}?tenant=${tenant}`)).toMatchObject({ status: 409, code: 'event-altered' });
    await withClient(events.url, (client) => client.query('update millrace.event set data = $1 where position = 7', [event!.data]));
  });

  it('exports entries with what their digests are made of', async () => {
    const { entries } = await running.json(`/v1/ledger/logs/sales/0/entries?tenant=${tenant}&after=3&limit=2`) as { entries: { position: number; entry: string; salt: string; data: string }[] };
    expect(entries.map(({ position }) => position)).toEqual([4, 5]);
    expect(Buffer.from(entries[0]!.data, 'base64').toString()).toBe('{"n":4}');
    expect(await running.json(`/v1/ledger/logs/sales/0/checkpoint?tenant=${tenant}`)).toMatchObject({ size: 55 });
    expect(await running.json(`/v1/ledger/logs/customer/0/checkpoint?tenant=${tenant}`)).toMatchObject({ status: 404, code: 'not-cosigned' });
  });
});

describe('verification over HTTP', () => {
  it('tells progress and a verdict per log, and that it came to its end', async () => {
    const told = await lines(`tenant=${tenant}`);
    expect(told).toContainEqual({ verdict: expect.objectContaining({ tenant, log: 'sales/0', size: 55, events: 55, findings: 0, witness: 'heard' }) });
    expect(told.some((line) => 'progress' in line)).toBe(true);
    expect(told.at(-1)).toEqual({ end: 1 });
  });

  it('names what was changed', async () => {
    await withClient(events.url, (client) => client.query("update millrace.event set salt = substring(salt for 15) || '\\x00'::bytea where position = 9"));
    expect(await lines(`tenant=${tenant}&log=sales/0`)).toContainEqual({ finding: expect.objectContaining({ log: 'sales/0', kind: 'altered', position: 9 }) });
  });

  it('misses a log that was taken away whole', async () => {
    await withClient(events.url, (client) => client.query('delete from millrace.log_head; delete from millrace.event'));
    expect(await lines(`tenant=${tenant}`)).toContainEqual({ finding: expect.objectContaining({ kind: 'missing', position: 1, through: 55 }) });
  });

  it.each(['log=x', 'tenant=Shop', 'recovered=yes', 'wrong=1'])('refuses %s', async (query) => {
    expect((await running.get(`/v1/ledger/verify?${query}`)).status).toBe(400);
  });

  it('is for operators', async () => {
    expect((await running.get('/v1/ledger/verify', 'guess')).status).toBe(401);
  });
});
