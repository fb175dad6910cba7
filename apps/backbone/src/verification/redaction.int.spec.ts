import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FactLog } from '@millrace/event-sourcing';
import { PgEventStore, REDACTOR, roleOf } from '@millrace/event-store';
import type { LogKey } from '@millrace/kernel';
import { freshDatabase, withClient, type TestDatabase } from '@millrace/testing';
import { prepareEventDatabase } from '../event-log/owner.ts';
import { LedgerBench, trusted } from '../ledger/testing.ts';
import { ensureRoles, manifests, PASSWORD, prepared, unitsOf, idsOf } from '../testing.ts';
import type { Finding, Verdict } from './finding.ts';
import { LogVerification } from './log-verification.ts';

const log: LogKey = { tenant: 'shop', context: 'sales', shard: 0 };
const units = unitsOf(log, 40);
const ids = idsOf(units);
const positionOf = new Map<string, number>();
let database: TestDatabase;
let bench: LedgerBench;
let security: PgEventStore;

const owner = <Row extends object = object>(sql: string, values: unknown[] = []): Promise<Row[]> => withClient(database.url, async (client) => (await client.query<Row>(sql, values)).rows);
const redact = (id: string, factId: string, role = REDACTOR): Promise<{ position: string; already: boolean }> => withClient(database.urlAs(role, PASSWORD), async (client) =>
  (await client.query<{ position: string; already: boolean }>('select position, already from millrace.redact_event($1, $2, $3)', ['shop', id, factId])).rows[0]!);
const tell = async (id: string, position = positionOf.get(id)!): Promise<string> => {
  const factId = `redacted/sales/0/${position}`;
  await new FactLog(security, 'security').record({ tenant: 'shop', id: factId, contract: 'security.event.redacted', data: { context: 'sales', shard: 0, position, eventId: id, reason: 'TICKET-1: a card number in a note' } });
  return factId;
};
const verify = async (): Promise<{ verdict: Verdict; findings: Finding[] }> => {
  const findings: Finding[] = [];
  const parts = { store: bench.store, events: bench.events, mirror: bench.mirror, keys: trusted, witnessed: await bench.witness.checkpoints() };
  return { verdict: await new LogVerification(log, parts, { progress: () => undefined, finding: (finding) => { findings.push(finding); } }).run(), findings };
};
const storedData = async (id: string): Promise<string> => (await owner<{ data: Buffer }>('select data from millrace.event where id = $1', [id]))[0]!.data.toString();

beforeAll(async () => {
  database = await freshDatabase({ template: 'backbone', migrate: prepared });
  await ensureRoles(database.url, ['redactor']);
  await prepareEventDatabase(database.url, manifests);
  bench = await LedgerBench.make(database);
  security = PgEventStore.connect({ url: database.urlAs(roleOf('security'), PASSWORD), applicationName: 'spec' });
  await bench.append(log, units);
  for (const event of await bench.events.read(log, 0, 100)) positionOf.set(event.envelope.id, event.position);
  await bench.settle(log);
});
afterAll(async () => {
  await security.close();
  await bench.close();
  await database.drop();
});

describe('a redaction', () => {
  const id = ids[3]!;
  it('needs its fact', async () => {
    await expect(redact(id, 'nothing')).rejects.toMatchObject({ code: 'MR012' });
    const ofAnother = await tell(ids[5]!);
    await expect(redact(id, ofAnother)).rejects.toMatchObject({ code: 'MR012' });
    await expect(redact('nobody', ofAnother)).rejects.toMatchObject({ code: 'MR012' });
    expect(await storedData(id)).toBe('{"n":4}');
  });

  it('is no service\'s to do, and all the redactor can', async () => {
    for (const service of ['backbone', 'security', 'ingestion']) await expect(redact(id, 'x', roleOf(service))).rejects.toMatchObject({ code: '42501' });
    await withClient(database.urlAs(REDACTOR, PASSWORD), async (client) => {
      for (const sql of ['select from millrace.event', 'update millrace.event set data = data', 'delete from millrace.event', 'select from log.sales', 'insert into millrace.redaction default values']) {
        await expect(client.query(sql)).rejects.toMatchObject({ code: '42501' });
      }
    });
  });

  it('leaves the digest alone, for ever, and may be repeated', async () => {
    const factId = await tell(id);
    expect(await redact(id, factId)).toEqual({ position: String(positionOf.get(id)), already: false });
    expect(await redact(id, factId)).toEqual({ position: String(positionOf.get(id)), already: true });
    const [row] = await owner<{ data: Buffer; salt: Buffer; whole: boolean }>(
      "select data, salt, leaf = sha256('\\x00'::bytea || envelope || data_digest) as whole from millrace.event where id = $1", [id]);
    expect(row).toEqual({ data: Buffer.from('{"$redacted":true}'), salt: Buffer.alloc(16), whole: true });
  });

  it('is told by verification, which stays valid, once its fact is cosigned', async () => {
    expect((await verify()).findings).toMatchObject([{ kind: 'redaction', position: positionOf.get(id) }]);
    await bench.settle({ tenant: 'shop', context: 'security', shard: 0 });
    expect(await verify()).toMatchObject({ findings: [], verdict: { redacted: [positionOf.get(id)], findings: 0 } });
  });

  it('reaches the copy that a conflict kept', async () => {
    const other = ids[7]!;
    const [conflicting] = units.filter((unit) => unit.events[0]!.envelope.id === other);
    await bench.append(log, [{ ...conflicting!, events: conflicting!.events.map((event) => ({ ...event, data: Buffer.from('{"n":"another"}'), envelope: { ...event.envelope, fingerprint: 'f'.repeat(64) } })) }]).catch(() => undefined);
    await owner("insert into millrace.reject (tenant, reject_id, via, event_id, pointer, code, reason, received_at, body, first_body) values ('shop', 'r-1', 'web', $1, '', 'conflict', '', now(), '', '{\"n\":8}')", [other]);
    await redact(other, await tell(other));
    expect(await owner("select convert_from(first_body, 'UTF8') as first from millrace.reject where reject_id = 'r-1'")).toEqual([{ first: '{"$redacted":true}' }]);
  });

  it('is refused for an event that was altered: it would hide what was done', async () => {
    const altered = ids[9]!;
    await owner("update millrace.event set data = '{\"n\":0}' where id = $1", [altered]);
    await expect(redact(altered, await tell(altered))).rejects.toMatchObject({ code: 'MR013' });
    await owner("update millrace.event set data = '{\"n\":10}' where id = $1", [altered]);
  });
});

describe('verification', () => {
  it('does not take the owner\'s word for a redaction', async () => {
    await bench.settle({ tenant: 'shop', context: 'security', shard: 0 });
    expect((await verify()).findings).toEqual([]);
    const [forged, position] = [ids[20]!, positionOf.get(ids[20]!)!];
    await owner("update millrace.event set data_digest = sha256(salt || data), data = '{}' where id = $1", [forged]);
    expect((await verify()).findings).toMatchObject([{ kind: 'redaction', position }]);
    await owner("insert into millrace.redaction (tenant, context, shard, position, event_id, fact_id) values ('shop', 'sales', 0, $1, $2, $3)", [position, forged, `redacted/sales/0/${positionOf.get(ids[3]!)}`]);
    expect((await verify()).findings).toMatchObject([{ kind: 'redaction', position }]);
  });
});
