import { isUtf8 } from 'node:buffer';
import type { DomainError } from '@millrace/kernel';
import { fileFault } from './file-fault.ts';

const NEWLINE = 0x0a;
/** No real line is a hundredth of it; beyond, the input is not lines of text. */
const MAX_LINE_BYTES = 64 * 1024;

const utf16 = (came: string, name: string): DomainError =>
  fileFault({ code: 'encoding', line: 1, expected: 'text in UTF-8', came, remedy: `Save the file as "CSV UTF-8", or convert it with: iconv -f ${name} -t UTF-8.` });

/** Without its mark UTF-16 is valid UTF-8 too, as long as it is ASCII with a NUL beside each letter. */
const refuseUtf16 = (head: Buffer): void => {
  const mark = head.readUInt16BE(0);
  if (mark === 0xfffe || mark === 0xfeff) throw utf16('the byte order mark of UTF-16', 'UTF-16');
  if (head[0] === 0 || head[1] === 0) throw utf16('NUL bytes, as UTF-16 has them', head[0] === 0 ? 'UTF-16BE' : 'UTF-16LE');
};

const refuseOtherEncoding = (block: Buffer, firstLine: number): void => {
  let line = firstLine;
  for (let start = 0; start < block.length; line++) {
    const end = block.indexOf(NEWLINE, start);
    const stop = end === -1 ? block.length : end + 1;
    if (!isUtf8(block.subarray(start, stop))) break;
    start = stop;
  }
  throw fileFault({ code: 'encoding', line, expected: 'text in UTF-8', came: 'bytes that are not UTF-8', remedy: 'Convert the file, for example with: iconv -f ISO-8859-1 -t UTF-8.' });
};

const countLines = (block: Buffer): number => {
  let lines = 0;
  for (let at = block.indexOf(NEWLINE); at !== -1; at = block.indexOf(NEWLINE, at + 1)) lines++;
  return lines;
};

const refuseCutLine = (rest: Buffer, line: number): void => {
  if (rest.length === 0) return;
  throw fileFault({
    code: 'cut-off', line, expected: 'a line break at the end of the last line', came: `the end of the file after ${rest.length} bytes of the line`,
    remedy: 'The file was probably cut in the middle: fetch it again. If this is really its last line, end it with a line break.',
  });
};

/** What the blocks have told so far; `line` counts line breaks passed on. */
export interface TextProgress {
  lines: number;
}

/**
 * Regroups bytes into blocks of whole lines and lets only UTF-8 pass, so that a wrong byte is reported with its line. The file must
 * end with a line break: without it a cut-off file can't be told from a whole one.
 */
export async function* utf8Lines(bytes: AsyncIterable<Buffer>, progress: TextProgress): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let started = false;
  for await (const chunk of bytes) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (!started && rest.length >= 2) {
      refuseUtf16(rest);
      started = true;
    }
    const end = rest.lastIndexOf(NEWLINE) + 1;
    if (rest.length - end > MAX_LINE_BYTES) throw fileFault({ code: 'line-too-long', line: progress.lines + countLines(rest) + 1, expected: `lines of at most ${MAX_LINE_BYTES} bytes`, came: 'a longer one', remedy: 'Check that this is a CSV file.' });
    if (end === 0) continue;
    const block = rest.subarray(0, end);
    if (!isUtf8(block)) refuseOtherEncoding(block, progress.lines + 1);
    yield block;
    progress.lines += countLines(block);
    rest = rest.subarray(end);
  }
  if (!isUtf8(rest)) refuseOtherEncoding(rest, progress.lines + 1);
  refuseCutLine(rest, progress.lines + 1);
}
