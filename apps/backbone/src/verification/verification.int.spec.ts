import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { renewEpoch } from '@millrace/event-store';
import type { LogKey } from '@millrace/kernel';
import { freshDatabase, withClient, type TestDatabase } from '@millrace/testing';
import { LedgerBench, trusted } from '../ledger/testing.ts';
import { prepared, unitsOf } from '../testing.ts';
import type { Finding, Verdict } from './finding.ts';
import { LogVerification } from './log-verification.ts';

const log: LogKey = { tenant: 'shop', context: 'sales', shard: 0 };
const COUNT = 700;
let database: TestDatabase;
let bench: LedgerBench;
const owner = <Row extends object = object>(sql: string, values: unknown[] = []): Promise<Row[]> => withClient(database.url, async (client) => (await client.query<Row>(sql, values)).rows);

const verify = async (recovered: number[] = []): Promise<{ verdict: Verdict; findings: Finding[] }> => {
  const findings: Finding[] = [];
  const parts = { store: bench.store, events: bench.events, mirror: bench.mirror, keys: trusted, witnessed: await bench.witness.checkpoints(), recovered };
  const verdict = await new LogVerification(log, parts, { progress: () => undefined, finding: (finding) => { findings.push(finding); } }).run();
  return { verdict, findings };
};
/** Alters, verifies, and puts back what was there. */
const altered = async (sql: string, values: unknown[] = []): Promise<Finding[]> => {
  await owner('create table keep as table millrace.event');
  await owner('alter table millrace.event drop constraint event_place, drop constraint event_identity, drop constraint event_stream_version');
  await owner(sql, values);
  const { findings } = await verify();
  await owner('truncate millrace.event; insert into millrace.event select * from keep; drop table keep');
  await owner('alter table millrace.event add constraint event_place primary key (tenant, context, shard, position), add constraint event_identity unique (id, tenant), add constraint event_stream_version unique (stream, tenant, stream_version)');
  return findings;
};
const at = (findings: readonly Finding[]): string[] => findings.map(({ kind, position, through }) => `${kind} ${position}${through === undefined ? '' : `-${through}`}`);

beforeAll(async () => {
  database = await freshDatabase({ template: 'backbone', migrate: prepared });
  bench = await LedgerBench.make(database);
  const units = unitsOf(log, COUNT - 3);
  const [stream] = units.map((unit) => unit.stream);
  await bench.append(log, [...units, ...unitsOf(log, 3).map((unit) => ({ ...unit, stream: stream!, events: unit.events.map((event) => ({ ...event, envelope: { ...event.envelope, stream: stream! } })) }))]);
  await bench.settle(log);
});
afterAll(async () => {
  await bench.close();
  await database.drop();
});

describe('a log that nobody touched', () => {
  it('verifies, with all its events, up to the cosigned tree', async () => {
    expect(await verify()).toMatchObject({ findings: [], verdict: { tenant: 'shop', log: 'sales/0', size: COUNT, events: COUNT, findings: 0, witness: 'heard', redacted: [] } });
  });
  it('verifies without the witness, and says that it was not heard', async () => {
    bench.witness.isAway = true;
    expect(await verify()).toMatchObject({ findings: [], verdict: { size: COUNT, witness: 'not heard' } });
    bench.witness.isAway = false;
  });
});

describe('whatever is changed in a row', () => {
  it.each<[string, string, string[]]>([
    ['data', "data = data || ' '::bytea", ['column 300', 'altered 300']],
    ['salt', 'salt = substring(salt for 15) || \'\\x00\'', ['column 300', 'altered 300']],
    ['envelope', "envelope = convert_to(replace(convert_from(envelope, 'UTF8'), '2026', '2027'), 'UTF8')", ['column 300', 'altered 300']],
    ['envelope, to no JSON', "envelope = '\\x00'", ['column 300', 'altered 300']],
    ['id', "id = id || 'x'", ['column 300']],
    ['stream', "stream = stream || 'x'", ['column 300']],
    ['stream version', 'stream_version = 2', ['stream-version 300']],
    ['stream version, to none', 'stream_version = 0', ['stream-version 300']],
    ['fingerprint', 'fingerprint = leaf', ['column 300']],
    ['leaf', 'leaf = fingerprint', ['column 300']],
    ['tenant', "tenant = 'other'", ['missing 300']],
    ['context', "context = 'customer'", ['missing 300']],
    ['shard', 'shard = 1', ['missing 300']],
    ['position', 'position = 900000', ['missing 300', 'missing 701-899999']],
    ['position, to another\'s', 'position = 299', ['extra 299', 'missing 300']],
    ['position, below the first', 'position = -4', ['extra -4', 'missing 300']],
    ['digest', 'data_digest = sha256(salt || data)', ['redaction 300']],
    ['digest and data', "data_digest = sha256(salt || data), data = '{}'", ['redaction 300']],
  ])('%s: its position is named', async (_, set, expected) => {
    expect(at(await altered(`update millrace.event set ${set} where position = 300`)).toSorted()).toEqual(expected.toSorted());
  });

  it('the place of two events is named, both of them', async () => {
    const findings = await altered('update millrace.event set position = case position when 10 then 20 else 10 end where position in (10, 20)');
    expect(at(findings)).toEqual(['altered 10', 'altered 20']);
  });
  it('the versions of two events of a stream are named', async () => {
    const findings = await altered(`update millrace.event set stream_version = case stream_version when 2 then 3 else 2 end where position in (${COUNT - 2}, ${COUNT - 1})`);
    expect(at(findings)).toEqual([`stream-version ${COUNT - 2}`]);
  });
  it('an event copied is named', async () => {
    const findings = await altered('insert into millrace.event select * from millrace.event where position = 5');
    expect(new Set(at(findings))).toEqual(new Set(['stream-version 5', 'identity 5', 'extra 5']));
  });
});

describe('what is taken away', () => {
  it('is named, in the middle and at the end', async () => {
    expect(at(await altered('delete from millrace.event where position = 300'))).toEqual(['missing 300']);
    expect(at(await altered('delete from millrace.event where position between 300 and 400'))).toContain('missing 300-400');
    expect(at(await altered('delete from millrace.event where position > 600'))).toEqual([`missing 601-${COUNT}`]);
    expect(at(await altered('truncate millrace.event'))).toEqual([`missing 1-${COUNT}`]);
  });
});

describe('a forger who owns the whole database', () => {
  let ledger: { tiles: unknown; checkpoints: unknown };
  afterEach(async () => {
    await owner('delete from millrace.ledger_tile; delete from millrace.ledger_checkpoint');
    await owner('insert into millrace.ledger_tile select * from jsonb_populate_recordset(null::millrace.ledger_tile, $1)', [JSON.stringify(ledger.tiles)]);
    await owner('insert into millrace.ledger_checkpoint select * from jsonb_populate_recordset(null::millrace.ledger_checkpoint, $1)', [JSON.stringify(ledger.checkpoints)]);
  });
  const keep = async (): Promise<void> => {
    const [tiles] = await owner<{ all: unknown }>('select jsonb_agg(t) as all from millrace.ledger_tile t');
    const [checkpoints] = await owner<{ all: unknown }>('select jsonb_agg(c) as all from millrace.ledger_checkpoint c');
    ledger = { tiles: tiles?.all, checkpoints: checkpoints?.all };
  };

  it('and recomputes the leaf does not reach the leaves beside it: the position is named', async () => {
    await keep();
    const findings = await altered(`update millrace.event set data = '{"n":1}', leaf = sha256('\\x00'::bytea || envelope || sha256(salt || '{"n":1}'::bytea)) where position = 300`);
    expect(at(findings)).toEqual(['altered 300']);
  });
  it('and changes a tile is told of the tile and its position', async () => {
    await keep();
    await owner('update millrace.ledger_tile set hashes = overlay(hashes placing sha256(\'x\') from 33) where level = 0 and index = 1');
    expect(at((await verify()).findings)).toEqual(['tile 258']);
  });
  it('and cuts log and ledger to what they were is held against the witness', async () => {
    await keep();
    await owner('delete from millrace.ledger_checkpoint');
    const findings = await altered('delete from millrace.event where position > 600');
    expect(at(findings).toSorted()).toEqual([`checkpoint 1-${COUNT}`, `missing 601-${COUNT}`]);
  });
  it.each([
    ['size', 'size = size - 1', `checkpoint ${COUNT - 1}`],
    ['root', "root = sha256('x')", `checkpoint ${COUNT}`],
    ['note', "note = replace(note, '700', '699')", `checkpoint ${COUNT}`],
  ])('and changes the %s of a checkpoint is found', async (_, set, expected) => {
    await keep();
    await owner(`update millrace.ledger_checkpoint set ${set}`);
    expect(at((await verify()).findings)).toContain(expected);
  });
});

describe('the leaves beside the database', () => {
  it('that were changed are told of; the tiles, if they are authentic, still place what was altered', async () => {
    const origin = { ...log, epoch: (await bench.events.head(log))!.epoch };
    const kept = await bench.mirror.read(origin, 0, COUNT);
    await bench.mirror.write(origin, 5, Buffer.alloc(32));
    expect(at(await altered("update millrace.event set data = '{}' where position = 300")).toSorted()).toEqual(['altered 300', 'column 300', 'leaves undefined']);
    await bench.mirror.write(origin, 0, kept);
  });
});

describe('a log that was recovered', () => {
  it('is another one than was cosigned: that is found, until the operator says it is known', async () => {
    const { epoch } = (await bench.events.head(log))!;
    await owner(`delete from millrace.event where position > ${COUNT - 10}`);
    await withClient(database.url, (client) => renewEpoch(client, log));
    await bench.append(log, unitsOf(log, 1)).catch(() => undefined); // the store learns of the epoch by being refused
    await bench.append(log, unitsOf(log, 2));
    await bench.settle(log);
    expect(at((await verify()).findings)).toEqual([`epoch 1-${COUNT}`]);
    expect(await verify([epoch])).toMatchObject({ findings: [], verdict: { size: COUNT - 8 } });
  });
});
