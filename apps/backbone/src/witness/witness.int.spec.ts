import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fixedClock } from '@millrace/kernel';
import {
  consistencyPlan, cosignedAt, formatCheckpoint, formatExtension, formatNote, hashLeaf, nodesFromTiles, parseNote, parseSignature, proofOf, signNote, TileTree,
} from '@millrace/ledger';
import { logKey, strangerKey, witnessKey } from '../ledger/testing.ts';
import { formatWitnessRequest } from './witness-request.ts';
import { WitnessState } from './witness-state.ts';
import { Witness } from './witness.ts';

const ORIGIN = 'millrace/shop/sales/0/1764000000';
const NEXT_EPOCH = 'millrace/shop/sales/0/1764000999';
const LEAVES = Array.from({ length: 200 }, (_, n) => hashLeaf(Buffer.from(`${n}`)));
const rootOf = (size: number, leaves = LEAVES): Uint8Array => {
  const tree = new TileTree();
  tree.append(Buffer.concat(leaves.slice(0, size)));
  return tree.root();
};
const proof = (from: number, to: number): Uint8Array[] => proofOf(consistencyPlan(from, to), nodesFromTiles(() => Buffer.concat(LEAVES)));
const note = (size: number, { origin = ORIGIN, root = rootOf(size), key = logKey, extensions = [] as string[] } = {}): string =>
  formatNote(signNote(formatCheckpoint({ origin, size, root, extensions }), key));
const clock = fixedClock('2026-11-24T10:00:00.000Z');

let dir: string;
let state: WitnessState;
let witness: Witness;
const restart = async (): Promise<void> => {
  state = await WitnessState.open(dir);
  witness = new Witness(state, witnessKey, [logKey.verifier], clock);
};
const add = (oldSize: number, checkpoint: string, hashes: readonly Uint8Array[] = []) => witness.add(formatWitnessRequest({ oldSize, proof: hashes, checkpoint }));

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-witness-'));
  await restart();
});
afterEach(() => rm(dir, { recursive: true }));

describe('a witness', () => {
  it('cosigns a log\'s first checkpoint, and what follows from it', async () => {
    const first = await add(0, note(20));
    expect(first).toMatchObject({ status: 200 });
    const signature = parseSignature('signature' in first ? first.signature.trimEnd() : '');
    expect(cosignedAt({ ...parseNote(note(20)), signatures: [signature] }, witnessKey.verifier)).toEqual(clock.now());
    expect(await add(20, note(150), proof(20, 150))).toMatchObject({ status: 200 });
    expect(state.last(ORIGIN)).toMatchObject({ size: 150, root: rootOf(150) });
  });

  it('cosigns the same tree again', async () => {
    await add(0, note(20));
    expect(await add(20, note(20))).toMatchObject({ status: 200 });
  });

  it('tells its size to who doesn\'t know it', async () => {
    expect(await add(5, note(20), proof(5, 20))).toEqual({ status: 409, size: 0 });
    await add(0, note(20));
    expect(await add(0, note(30))).toEqual({ status: 409, size: 20 });
    expect(await add(10, note(30), proof(10, 30))).toEqual({ status: 409, size: 20 });
  });

  it('refuses another tree of the same size', async () => {
    await add(0, note(20));
    expect(await add(20, note(20, { root: rootOf(21) }))).toEqual({ status: 409, size: 20 });
  });

  it.each([
    ['without a proof', []],
    ['with another proof', proof(19, 150)],
    ['with a proof too long', [...proof(20, 150), LEAVES[0]!]],
  ])('refuses a larger tree %s', async (_, hashes) => {
    await add(0, note(20));
    expect(await add(20, note(150), hashes)).toMatchObject({ status: 422 });
    expect(state.last(ORIGIN)).toMatchObject({ size: 20 });
  });

  it('refuses a tree that was changed before the last cosigned leaf', async () => {
    await add(0, note(20));
    const forged = LEAVES.map((leaf, n) => (n === 7 ? LEAVES[8]! : leaf));
    const hashes = proofOf(consistencyPlan(20, 150), nodesFromTiles(() => Buffer.concat(forged)));
    expect(await add(20, note(150, { root: rootOf(150, forged) }), hashes)).toMatchObject({ status: 422 });
  });

  it('answers 400 for a smaller tree, 403 for another key, 404 for no log of ours', async () => {
    await add(0, note(20));
    expect(await add(20, note(10))).toMatchObject({ status: 400 });
    expect(await add(0, note(20, { key: strangerKey }))).toMatchObject({ status: 403 });
    expect(await add(0, note(20, { origin: 'example.com/log' }))).toMatchObject({ status: 404 });
  });

  it.each([
    '',
    'old\n\n',
    'old 01\n\n',
    `old 0\nAAAA\n\n${note(20)}`,
    `${note(20)}`,
    `old 0\n\n${note(20).slice(0, -10)}`,
    `old 0\n${`${Buffer.alloc(32).toString('base64')}\n`.repeat(64)}\n${note(20)}`,
  ])('throws for what is no request: %j', async (body) => {
    await expect(witness.add(body)).rejects.toMatchObject({ kind: 'invalid' });
  });

  it('takes requests one after the other: of two that follow the same tree one is refused', async () => {
    await add(0, note(20));
    const answers = await Promise.all([add(20, note(150), proof(20, 150)), add(20, note(100), proof(20, 100))]);
    expect(answers).toMatchObject([{ status: 200 }, { status: 409, size: 150 }]);
  });
});

describe('its memory', () => {
  it('is there again after the process is', async () => {
    await add(0, note(20));
    await restart();
    expect(await add(0, note(150))).toEqual({ status: 409, size: 20 });
    expect(await add(20, note(150), proof(20, 150))).toMatchObject({ status: 200 });
  });

  it('is on disk before the answer is given', async () => {
    await add(0, note(20));
    const reopened = await WitnessState.open(dir);
    expect(reopened.last(ORIGIN)).toEqual(state.last(ORIGIN));
    expect(await readdir(dir)).toEqual(['shop.sales.0.1764000000.json']);
  });

  it('survives a file half written, which was never answered', async () => {
    await add(0, note(20));
    await writeFile(join(dir, 'shop.sales.0.1764000000.json.tmp'), '{"origin":');
    await restart();
    expect(state.last(ORIGIN)).toMatchObject({ size: 20 });
  });

  it.each([['{"origin":'], ['{}'], [JSON.stringify({ origin: ORIGIN, size: 20, root: 'AAAA', note: '' })]])('that can\'t be read stops the start: %s', async (content) => {
    await writeFile(join(dir, 'shop.sales.0.1764000000.json'), content);
    await expect(WitnessState.open(dir)).rejects.toMatchObject({ code: 'witness-state-malformed' });
  });
});

describe('a new epoch', () => {
  const named = (size: number, root = rootOf(size)): string[] => [formatExtension({ origin: ORIGIN, size, root })];

  it('begins where its first checkpoint names the last cosigned one of the old', async () => {
    await add(0, note(20));
    expect(await add(0, note(12, { origin: NEXT_EPOCH, extensions: named(20) }))).toMatchObject({ status: 200 });
    expect(await add(12, note(150, { origin: NEXT_EPOCH }), proof(12, 150))).toMatchObject({ status: 200 });
  });

  it.each([
    ['nothing', []],
    ['another size', named(19)],
    ['another root', named(20, rootOf(21))],
    ['another origin', [formatExtension({ origin: NEXT_EPOCH, size: 20, root: rootOf(20) })]],
  ])('is refused when it names %s', async (_, extensions) => {
    await add(0, note(20));
    expect(await add(0, note(12, { origin: NEXT_EPOCH, extensions }))).toMatchObject({ status: 422, reason: expect.stringContaining(`${ORIGIN} at 20`) });
  });

  it('ends the old: its checkpoints are no longer cosigned', async () => {
    await add(0, note(20));
    await add(0, note(12, { origin: NEXT_EPOCH, extensions: named(20) }));
    expect(await add(20, note(150), proof(20, 150))).toMatchObject({ status: 403 });
    expect(await add(0, note(5, { origin: 'millrace/shop/sales/0/1764000500' }))).toMatchObject({ status: 403 });
  });

  it('of another log is another matter', async () => {
    await add(0, note(20));
    expect(await add(0, note(12, { origin: 'millrace/shop/sales/1/1764000999' }))).toMatchObject({ status: 200 });
    expect(await add(0, note(12, { origin: 'millrace/other/sales/0/1764000999' }))).toMatchObject({ status: 200 });
  });
});
