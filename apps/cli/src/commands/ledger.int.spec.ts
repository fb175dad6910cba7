import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { formatCheckpoint, formatNote, formatProof, hashLeaf, signNote, SigningKey, TileTree } from '@millrace/ledger';
import { scratchFolder, standInPlatform, type StandInPlatform } from '../testing.ts';

const key = new SigningKey('millrace/ledger', 'log', Buffer.alloc(32, 1));
const stranger = new SigningKey('millrace/ledger', 'log', Buffer.alloc(32, 2));
const events = Array.from({ length: 300 }, (_, n) => ({ envelope: Buffer.from(`{"id":"e-${n}"}`), salt: Buffer.alloc(16, n), data: Buffer.from(`{"n":${n}}`) }));
const entryOf = ({ envelope, salt, data }: (typeof events)[number]): Buffer => Buffer.concat([envelope, createHash('sha256').update(salt).update(data).digest()]);
const tree = new TileTree();
tree.append(Buffer.concat(events.map((event) => hashLeaf(entryOf(event)))));
const checkpoint = formatNote(signNote(formatCheckpoint({ origin: 'millrace/shop/sales/0/1764000000', size: 300, root: tree.root(), extensions: [] }), key));

let folder: ReturnType<typeof scratchFolder>;
let platform: StandInPlatform;
beforeEach(async () => {
  folder = scratchFolder();
  platform = await standInPlatform(folder.path);
});
afterEach(async () => {
  await platform.close();
  folder.remove();
});
const verdict = { tenant: 'shop', log: 'sales/0', size: 300, events: 300, witness: 'heard', redacted: [], findings: 0 };

describe('ledger verify', () => {
  it('shows each log\'s verdict, and passes on what is asked for', async () => {
    platform.on('backbone', 'GET /v1/ledger/verify', { lines: [{ progress: { tenant: 'shop', log: 'sales/0', done: 300, total: 300 } }, { verdict }, { end: 1 }] });
    const run = await platform.run('ledger', 'verify', '--tenant', 'shop', '--log', 'sales/0', '--recovered', '17,18');
    expect(run).toMatchObject({ failed: false, err: [] });
    expect(run.out.join('\n')).toMatch(/shop\s+sales\/0\s+300\s+300\s+heard\s+valid/);
    expect(platform.heard.at(-1)?.request).toBe('GET /v1/ledger/verify?tenant=shop&log=sales%2F0&recovered=17%2C18');
  });

  it('fails on a finding, and names its position', async () => {
    const finding = { tenant: 'shop', log: 'sales/0', kind: 'altered', position: 17, what: 'the event is not the one that was signed' };
    platform.on('backbone', 'GET /v1/ledger/verify', { lines: [{ finding }, { finding: { ...finding, kind: 'missing', position: 20, through: 25 } }, { verdict: { ...verdict, findings: 2 } }, { end: 1 }] });
    const run = await platform.run('ledger', 'verify');
    expect(run.failed).toBe(true);
    expect(run.out.join('\n')).toContain('shop sales/0 position 17: altered: the event is not the one that was signed');
    expect(run.out.join('\n')).toContain('shop sales/0 position 20 to 25: missing');
    const json = await platform.run('ledger', 'verify', '--json');
    expect(JSON.parse(json.out.join(''))).toMatchObject({ complete: true, findings: [{ position: 17 }, { position: 20 }], logs: [{ findings: 2 }] });
  });

  it('fails when the answer is cut before its end', async () => {
    platform.on('backbone', 'GET /v1/ledger/verify', { lines: [{ verdict }] });
    expect(await platform.run('ledger', 'verify')).toMatchObject({ failed: true, err: [expect.stringContaining('cut off before its end')] });
  });

  it('says in the service\'s words what is wrong with the question', async () => {
    platform.on('backbone', 'GET /v1/ledger/verify', { status: 400, json: { detail: 'A log is named <context>/<shard>' } });
    expect(await platform.run('ledger', 'verify', '--log', 'x')).toMatchObject({ failed: true, error: 'A log is named <context>/<shard>' });
  });
});

describe('ledger export, then verify', () => {
  const serve = (size = 300): void => {
    platform.on('backbone', 'GET /v1/ledger/logs/sales/0/checkpoint', { json: { checkpoint, size } });
    platform.on('backbone', 'GET /v1/ledger/logs/sales/0/entries', ({ request }) => {
      const query = new URL(request.replace('GET ', 'http://x')).searchParams;
      const after = Number(query.get('after'));
      // Pages end early, as large events make them.
      const page = events.slice(after, after + Math.min(100, Number(query.get('limit'))));
      return { json: { entries: page.map((event, n) => ({ position: after + n + 1, entry: entryOf(event).toString('base64'), ...(after + n === 10 ? {} : { salt: event.salt.toString('base64'), data: event.data.toString('base64') }) })) } };
    });
  };
  const out = (): string => join(folder.path, 'out');
  const pub = (): string => {
    writeFileSync(join(folder.path, 'ledger.pub'), `${key.verifier.toString()}\n`);
    return join(folder.path, 'ledger.pub');
  };

  it('gives a folder that verifies without the platform', async () => {
    serve();
    expect(await platform.run('ledger', 'export', out(), '--log', 'sales/0')).toMatchObject({ failed: false, out: [`${out()}: 300 events of sales/0`] });
    await platform.away('backbone');
    const run = await platform.run('verify', out(), '--key', pub());
    expect(run).toMatchObject({ failed: false, out: [expect.stringMatching(/^valid: 300 events of millrace\/shop\/sales\/0\/1764000000 .*redacted: 1 \(positions 11\)$/)] });
  });

  it('refuses with one line what was edited or signed by another', async () => {
    serve();
    await platform.run('ledger', 'export', out(), '--log', 'sales/0');
    expect(await platform.run('verify', out(), '--key', stranger.verifier.toString())).toMatchObject({ failed: true, error: expect.stringContaining('made with another key') });
    const data = readFileSync(join(out(), 'data/000'));
    data[data.length - 1]! ^= 1;
    writeFileSync(join(out(), 'data/000'), data);
    expect(await platform.run('verify', out(), '--key', pub())).toMatchObject({ failed: true, error: expect.stringContaining('position 256') });
  });

  it('does not write into a folder that holds something, nor over a hole in the log', async () => {
    serve();
    expect(await platform.run('ledger', 'export', folder.path, '--log', 'sales/0')).toMatchObject({ failed: true, error: expect.stringContaining('is not empty') });
    platform.on('backbone', 'GET /v1/ledger/logs/sales/0/entries', { json: { entries: [{ position: 2, entry: '' }] } });
    expect(await platform.run('ledger', 'export', out(), '--log', 'sales/0')).toMatchObject({ failed: true, error: expect.stringContaining('no position 1,') });
  });
});

describe('ledger prove, then verify', () => {
  it('gives a file that verifies, and shows in JSON what it proves', async () => {
    const entry = entryOf(events[0]!);
    const single = formatNote(signNote(formatCheckpoint({ origin: 'millrace/shop/sales/0/1764000000', size: 1, root: hashLeaf(entry), extensions: [] }), key));
    platform.on('backbone', 'GET /v1/ledger/proofs/e-0', { json: { log: 'sales/0', position: 1, proof: formatProof({ entry, index: 0, path: [], checkpoint: single }) } });
    const file = join(folder.path, 'e-0.tlog-proof');
    expect(await platform.run('ledger', 'prove', 'e-0', '-o', file)).toMatchObject({ out: [`${file}: e-0 stands at position 1 of sales/0`] });
    const run = await platform.run('verify', file, '--key', key.verifier.toString(), '--json');
    expect(JSON.parse(run.out.join(''))).toMatchObject({ kind: 'proof', position: 1, envelope: { id: 'e-0' } });
    expect(await platform.run('verify', file, '--key', key.verifier.toString(), '--witness-key', new SigningKey('w', 'witness', Buffer.alloc(32)).verifier.toString())).toMatchObject({ failed: true, error: expect.stringContaining('not cosigned by w+') });
  });
});

it('ledger prove names the file after the event when it is told none', async () => {
  platform.on('backbone', 'GET /v1/ledger/proofs/order%2F1', { json: { log: 'sales/0', position: 1, proof: 'proof' } });
  try {
    expect(await platform.run('ledger', 'prove', 'order/1')).toMatchObject({ out: ['order_1.tlog-proof: order/1 stands at position 1 of sales/0'] });
    expect(readFileSync('order_1.tlog-proof', 'utf8')).toBe('proof');
  } finally {
    rmSync('order_1.tlog-proof', { force: true });
  }
});

it('ledger status shows the keys and each log', async () => {
  platform.on('backbone', 'GET /v1/ledger', { json: { key: 'k', witnessKey: 'w', logs: [{ tenant: 'shop', log: 'sales/0', head: 5, size: 5, cosigned: 4, state: 'building', reason: 'the witness is away' }] } });
  expect((await platform.run('ledger', 'status')).out.join('\n')).toMatch(/sales\/0\s+5\s+5\s+4\s+building\s+the witness is away/);
});
