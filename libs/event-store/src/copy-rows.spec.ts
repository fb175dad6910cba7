import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CopyRows, type Tuple } from './copy-rows.ts';

const HEADER = Buffer.from('5047434f50590aff0d0a00' + '0000000000000000', 'hex');
const int = (value: number, bytes: 2 | 4): Buffer => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeIntBE(value, 0, bytes);
  return buffer;
};
const encode = (tuple: Tuple): Buffer => Buffer.concat([int(tuple.length, 2), ...tuple.flatMap((field) => (field === null ? [int(-1, 4)] : [int(field.length, 4), field]))]);
const END = int(-1, 2);

const tuples = fc.array(fc.array(fc.option(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))), { maxLength: 6 }), { maxLength: 20 });

/** As the driver does: it uses one message's memory for the next. */
const deliver = (rows: CopyRows, messages: readonly Buffer[]): void => {
  for (const message of messages) {
    const chunk = Buffer.from(message);
    rows.handleCopyData({ chunk });
    chunk.fill(0xaa);
  }
  rows.handleCommandComplete();
  rows.handleReadyForQuery();
};

describe('a binary COPY', () => {
  it('gives every row as it was sent, NULL and empty kept apart, and keeps none of the driver\'s memory', async () => {
    await fc.assert(fc.asyncProperty(tuples, async (sent) => {
      const rows = new CopyRows('SELECT 1');
      const [first, ...rest] = [...sent.map(encode), END];
      deliver(rows, [Buffer.concat([HEADER, first!]), ...rest]);
      expect(await rows.done).toEqual(sent);
    }));
  });

  it('takes several rows in one message', async () => {
    const rows = new CopyRows('SELECT 1');
    deliver(rows, [Buffer.concat([HEADER, encode([Buffer.from('a'), null]), encode([Buffer.from('')]), END])]);
    expect(await rows.done).toEqual([[Buffer.from('a'), null], [Buffer.alloc(0)]]);
  });

  it('rejects with the server\'s error and ends the driver\'s own time limit', async () => {
    const rows = new CopyRows('SELECT 1');
    const told: unknown[] = [];
    rows.callback = (error) => told.push(error);
    const failure = new Error('canceling statement');
    rows.handleError(failure);
    await expect(rows.done).rejects.toBe(failure);
    expect(told).toEqual([failure]);
  });
});
