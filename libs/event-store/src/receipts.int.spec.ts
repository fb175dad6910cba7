import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, ownPostgres, withClient } from '@millrace/testing';
import { sampleLog, single } from './event-store.conformance.ts';
import { applyGrants, migrateEventStore, PgEventStore } from './index.ts';

describe('receipts', () => {
  let postgres: Awaited<ReturnType<typeof ownPostgres>>;
  let store: PgEventStore;
  beforeAll(async () => {
    postgres = await ownPostgres();
    const owner = postgres.url('postgres', 'postgres', postgres.password);
    await migrateEventStore(owner);
    await withClient(owner, (client) => client.query("CREATE ROLE millrace_intake LOGIN PASSWORD 'pw'"));
    await applyGrants(owner, [{ service: 'intake', appends: ['sales'], reads: ['sales'], relay: false }]);
    store = PgEventStore.connect({ url: postgres.url('postgres', 'millrace_intake', 'pw'), applicationName: 'spec' });
  });
  afterAll(async () => {
    await store.close();
    await postgres.remove();
  });
  const reject = (log: ReturnType<typeof sampleLog>) => ({ tenant: log.tenant, via: 'web', rejectId: 'r1', pointer: '/data', code: 'wrong', reason: 'no', receivedAt: '2026-01-02T03:04:05.000Z', body: Buffer.from('sealed') });
  const back = () => eventually('the store answers', async () => (await store.heads()) !== undefined);

  it('name one run of the server, whoever asks and however many at once', async () => {
    const log = sampleLog();
    const receipts = await Promise.all(Array.from({ length: 20 }, (_, n) => store.recordReceipt(log.tenant, `source-${n}`, 1)));
    expect(new Set(receipts.map(({ run }) => run)).size).toBe(1);
    expect(await store.recordReceipt(log.tenant, 'source-0', 1)).toEqual(receipts[0]);
  });

  it('that may be lost in a crash let nothing be counted under them: not appended, not rejected, not by what waited behind', async () => {
    const log = sampleLog();
    const receipt = await store.recordReceipt(log.tenant, 'web', 3);
    expect(await store.append(log, [single(log)], { countAs: 'intake', receipt })).toMatchObject([{ kind: 'appended', position: 1 }]);
    await postgres.kill();
    await postgres.restart();
    await back();

    const [unit, other] = [single(log), single(log)];
    const late = await Promise.allSettled([store.append(log, [unit], { countAs: 'intake', receipt }), store.appendTo(log.tenant, 'sales', [unit, other], { countAs: 'intake', receipt }), store.recordRejects([reject(log)], receipt)]);
    expect(late).toMatchObject(late.map(() => ({ status: 'rejected', reason: { kind: 'unavailable', code: 'event-store-unavailable' } })));
    expect((await store.head(log))?.position).toBe(1);
    expect(await store.listRejects(log.tenant, 1)).toEqual([]);

    const next = await store.recordReceipt(log.tenant, 'web', 3);
    expect(next.run).not.toBe(receipt.run);
    expect(await store.appendTo(log.tenant, 'sales', [unit, other], { countAs: 'intake', receipt: next })).toMatchObject([{ position: 2 }, { position: 3 }]);
    await store.recordRejects([reject(log)], next);
    const [count] = await store.counts(log.tenant);
    expect(count).toMatchObject({ accepted: 3, rejected: 1 });
    // The first receipt stands too: it was there before the first append was durable.
    expect(count?.unanswered).toBe(2);
  });

  it('outlive an orderly restart, which loses none', async () => {
    const log = sampleLog();
    const receipt = await store.recordReceipt(log.tenant, 'web', 1);
    await postgres.stop();
    await postgres.restart();
    await back();
    expect(await store.append(log, [single(log)], { countAs: 'intake', receipt })).toMatchObject([{ kind: 'appended', position: 1 }]);
    expect(await store.counts(log.tenant)).toMatchObject([{ received: 1, accepted: 1, unanswered: 0 }]);
  });

  it('lost after what they counted was stored do not hide it: the answer that got lost is found', async () => {
    const log = sampleLog();
    const receipt = await store.recordReceipt(log.tenant, 'web', 1);
    const unit = single(log);
    await store.append(log, [unit], { countAs: 'intake', receipt });
    await postgres.kill();
    await postgres.restart();
    await back();
    expect(await store.append(log, [unit], { countAs: 'intake', receipt: await store.recordReceipt(log.tenant, 'web', 1) })).toEqual([{ kind: 'duplicate', log, position: 1 }]);
    expect(await store.counts(log.tenant)).toMatchObject([{ received: 2, accepted: 1, duplicate: 1, unanswered: 0 }]);
  });
});
