import fc from 'fast-check';
import { DomainError } from '@millrace/kernel';
import { utf8Lines, type TextProgress } from './text-blocks.ts';

const chunksOf = async function* (bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let start = 0;
  for (let i = 0; start < bytes.length; i++) {
    const end = start + Math.max(1, sizes[i % sizes.length] ?? 1);
    yield bytes.subarray(start, end);
    start = end;
  }
};
const run = async (bytes: Buffer, sizes: readonly number[] = [7]): Promise<{ blocks: Buffer[]; progress: TextProgress }> => {
  const progress = { lines: 0 };
  const blocks: Buffer[] = [];
  for await (const block of utf8Lines(chunksOf(bytes, sizes), progress)) blocks.push(block);
  return { blocks, progress };
};
const fault = async (bytes: Buffer, sizes?: readonly number[]): Promise<DomainError> => {
  const error: unknown = await run(bytes, sizes).then(() => undefined, (e: unknown) => e);
  if (error instanceof DomainError) return error;
  throw new Error('expected a fault');
};

describe('blocks of text lines', () => {
  it('hold the same bytes, in whole lines, however they come', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' }).map((s) => s.replaceAll(/[\n\r]/g, ''))), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), async (lines, sizes) => {
      const text = `x${lines.map((line) => `${line.toWellFormed()}\n`).join('')}\n`;
      const { blocks, progress } = await run(Buffer.from(text), sizes);
      expect(Buffer.concat(blocks).toString()).toBe(text);
      expect(blocks.filter((block) => block.at(-1) !== 0x0a)).toEqual([]);
      expect(progress.lines).toBe(lines.length + 1);
    }));
  });
  it('are none for an empty file', async () => expect((await run(Buffer.alloc(0))).blocks).toEqual([]));
  it('let the mark of UTF-8 through: the parser takes it off', async () => expect((await run(Buffer.from('\ufeffa\n'))).blocks).toHaveLength(1));

  it.each([1, 3, 1000])('find a byte that is not UTF-8 on its line, in chunks of %d', async (size) => {
    const latin1 = Buffer.concat([Buffer.from('a\nb£\n'), Buffer.from('c\nPrice \xa320\nd\n', 'latin1')]);
    expect(await fault(latin1, [size])).toMatchObject({ code: 'file-encoding', details: { line: 4 }, message: expect.stringContaining('iconv') });
  });
  it('find it on an unfinished last line too', async () => expect(await fault(Buffer.from('a\n\xff', 'latin1'))).toMatchObject({ code: 'file-encoding', details: { line: 2 } }));
  it.each([['little', 'utf16le'], ['big', 'utf16le']] as const)('refuse UTF-16, %s end first', async (end, encoding) => {
    const bytes = Buffer.from('\ufeffInvoiceNo\n', encoding);
    expect(await fault(end === 'big' ? bytes.swap16() : bytes, [1])).toMatchObject({ code: 'file-encoding', details: { line: 1 }, message: expect.stringContaining('UTF-16') });
  });
  it.each(['UTF-16LE', 'UTF-16BE'])('refuse %s without its mark', async (name) => {
    const bytes = Buffer.from('InvoiceNo\n', 'utf16le');
    expect(await fault(name === 'UTF-16BE' ? bytes.swap16() : bytes, [1])).toMatchObject({ code: 'file-encoding', details: { line: 1 }, message: expect.stringContaining(`iconv -f ${name} `) });
  });
  it('refuse a file that ends within a line, naming it', async () => {
    expect(await fault(Buffer.from('a\nb\nUnited Ki'))).toMatchObject({ code: 'file-cut-off', details: { line: 3 }, message: expect.stringContaining('after 9 bytes') });
  });
  it('refuse a line without end before it fills the memory', async () => {
    expect(await fault(Buffer.concat([Buffer.from('a\n'), Buffer.alloc(300_000, 0x61)]), [50_000])).toMatchObject({ code: 'file-line-too-long', details: { line: 2 } });
  });
});
