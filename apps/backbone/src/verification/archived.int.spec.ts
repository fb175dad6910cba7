import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { LogKey } from '@millrace/kernel';
import { FactLog } from '@millrace/event-sourcing';
import { PgEventStore, REDACTOR, roleOf } from '@millrace/event-store';
import { freshDatabase, withClient, type TestDatabase } from '@millrace/testing';
import { LedgerBench, trusted } from '../ledger/testing.ts';
import { RangeArchive } from '../archive/range-archive.ts';
import { prepareEventDatabase } from '../event-log/owner.ts';
import { ensureRoles, manifests, PASSWORD, prepared, unitsOf } from '../testing.ts';
import type { Finding } from './finding.ts';
import { LogVerification } from './log-verification.ts';

const log: LogKey = { tenant: 'shop', context: 'sales', shard: 0 };
let database: TestDatabase;
let bench: LedgerBench;
beforeEach(async () => {
  database = await freshDatabase({ template: 'backbone', migrate: prepared });
  bench = await LedgerBench.make(database);
  await bench.append(log, unitsOf(log, 300));
  await bench.settle(log);
  const archive = bench.events.archive();
  await archive.thin((await archive.next(log, { through: 200, segmentEvents: 200 }))!);
});
afterEach(async () => {
  await bench.close();
  await database.drop();
});

const verify = async (): Promise<string[]> => {
  const findings: Finding[] = [];
  const parts = { store: bench.store, events: bench.events, mirror: bench.mirror, keys: trusted, witnessed: await bench.witness.checkpoints() };
  await new LogVerification(log, parts, { progress: () => undefined, finding: (finding) => { findings.push(finding); } }).run();
  return findings.map(({ kind, position, through }) => `${kind} ${position}${through === undefined ? '' : `-${through}`}`);
};
const owner = (sql: string): Promise<unknown> => withClient(database.url, (client) => client.query(sql));
const segment = async (): Promise<string> => join(bench.dir, 'segments', (await readdir(join(bench.dir, 'segments'))).find((name) => name.endsWith('.parquet'))!);

describe('an archived range', () => {
  it('verifies as it did before it was', async () => {
    expect(await verify()).toEqual([]);
  });
  it('with a bit of its segment flipped is named', async () => {
    const bytes = await readFile(await segment());
    bytes[bytes.length >> 1]! ^= 4;
    await writeFile(await segment(), bytes);
    expect(await verify()).toEqual(['altered 1-200']);
  });
  it('whose segment is gone is named', async () => {
    await rm(await segment());
    expect(await verify()).toEqual(['altered 1-200']);
  });
  it('with a row\'s leaf changed is told of that position', async () => {
    await owner("update millrace.event set leaf = sha256('x') where position = 17");
    expect(await verify()).toEqual(['altered 17']);
  });
  it.each([
    ['id', "id = id || 'x'", 'column 17'],
    ['fingerprint', "fingerprint = sha256('x')", 'column 17'],
    ['stream version', 'stream_version = 9', 'stream-version 17'],
  ])('with a row\'s %s changed is told of that position', async (_, set, expected) => {
    await owner(`update millrace.event set ${set} where position = 17`);
    expect(await verify()).toEqual([expected]);
  });
  it('in which an event is redacted verifies, names it, and holds its data nowhere', async () => {
    await ensureRoles(database.url, ['redactor']);
    await prepareEventDatabase(database.url, manifests);
    const security = PgEventStore.connect({ url: database.urlAs(roleOf('security'), PASSWORD), applicationName: 'spec' });
    const archive = new RangeArchive(bench.events, new FactLog(bench.events, 'backbone'));
    const [before] = await bench.events.read(log, 16, 1);
    const id = before!.envelope.id;
    const factId = 'redacted/sales/0/17';
    await new FactLog(security, 'security').record({ tenant: 'shop', id: factId, contract: 'security.event.redacted', data: { context: 'sales', shard: 0, position: 17, eventId: id, reason: 'TICKET-1: a card number in a note' } });
    await security.close();
    const redact = () => withClient(database.urlAs(REDACTOR, PASSWORD), (client) => client.query('select millrace.redact_event($1, $2, $3)', ['shop', id, factId]));
    await expect(redact()).rejects.toMatchObject({ code: 'MR014' });
    const old = await segment();

    expect(await archive.follow('shop', id)).toEqual({ tenant: 'shop', log: 'sales/0', position: 17, refilled: true });
    await redact();
    const followed = await archive.follow('shop', id);
    expect(followed).toMatchObject({ refilled: false, segment: { from: 1, to: 200 } });
    expect(await archive.follow('shop', id)).toEqual({ tenant: 'shop', log: 'sales/0', position: 17, refilled: false });
    await expect(archive.follow('shop', 'nobody')).rejects.toMatchObject({ code: 'event-unknown' });

    expect(await segment()).not.toBe(old);
    const [after] = await bench.events.read(log, 16, 1);
    expect([Buffer.from(after!.data).toString(), after!.envelope, after!.leaf]).toEqual(['{"$redacted":true}', before!.envelope, before!.leaf]);
    const facts = await bench.events.read({ ...log, context: 'backbone' }, 0, 10);
    expect(facts.map(({ data }) => JSON.parse(Buffer.from(data).toString()) as unknown)).toEqual([{ context: 'sales', shard: 0, ...followed.segment }]);
    expect(await verify()).toEqual(['redaction 17']);
    await bench.settle({ ...log, context: 'security' });
    expect(await verify()).toEqual([]);
  });
  it('is no cover for a row emptied outside of it', async () => {
    await owner('update millrace.event set envelope = null, data = null, salt = null where position = 250');
    expect(await verify()).toEqual(['altered 250']);
  });
});
