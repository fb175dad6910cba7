import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A value to look for and where it was found, by store. */
export interface Found {
  readonly needle: string;
  readonly place: string;
}

/** Shorter texts would be found by chance. */
const SHORTEST = 8;

/** The forms in which a text may lie in a file: as it is, hex in both cases, and base64 at each of its three alignments. */
export const formsOf = (text: string): Buffer[] => {
  const bytes = Buffer.from(text, 'utf8');
  const base64 = [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    // Characters that also hold bits of what stands before or after the text can't be known: only whole ones are looked for.
    return encoded.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
  });
  return [bytes, Buffer.from(bytes.toString('hex')), Buffer.from(bytes.toString('hex').toUpperCase()), ...base64.map((form) => Buffer.from(form)), ...base64.map((form) => Buffer.from(form.replaceAll('+', '-').replaceAll('/', '_')))];
};

interface Pattern { readonly needle: string; readonly bytes: Buffer }

/** Finds many texts in one pass: each four bytes are looked up, a hit is compared in full. */
export class ByteScan {
  private readonly byStart = new Map<number, Pattern[]>();
  private readonly starts = new Uint8Array(1 << 16);
  private readonly longest: number;

  constructor(needles: readonly string[]) {
    const short = needles.filter((needle) => Buffer.byteLength(needle) < SHORTEST);
    if (short.length > 0) throw new Error(`needles of less than ${SHORTEST} bytes would be found by chance: ${short.length}`);
    let longest = 0;
    for (const needle of needles) {
      for (const bytes of formsOf(needle)) {
        const start = bytes.readUInt32LE(0);
        this.byStart.set(start, [...(this.byStart.get(start) ?? []), { needle, bytes }]);
        this.starts[start & 0xffff] = 1;
        longest = Math.max(longest, bytes.length);
      }
    }
    this.longest = longest;
  }

  /** Needles in a block of bytes. */
  in(block: Buffer): Set<string> {
    const found = new Set<string>();
    for (let at = 0; at + 4 <= block.length; at += 1) {
      if (this.starts[block[at]! | (block[at + 1]! << 8)] === 0) continue;
      for (const { needle, bytes } of this.byStart.get(block.readUInt32LE(at)) ?? []) {
        if (block.length - at >= bytes.length && block.compare(bytes, 0, bytes.length, at, at + bytes.length) === 0) found.add(needle);
      }
    }
    return found;
  }

  async file(path: string): Promise<Set<string>> {
    const found = new Set<string>();
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of createReadStream(path, { highWaterMark: 4 * 1024 * 1024 }) as AsyncIterable<Buffer>) {
      const block = Buffer.concat([rest, chunk]);
      for (const needle of this.in(block)) found.add(needle);
      rest = block.subarray(Math.max(0, block.length - this.longest));
    }
    return found;
  }

  async folder(dir: string): Promise<Found[]> {
    const entries = await readdir(dir, { recursive: true, withFileTypes: true });
    const found: Found[] = [];
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const place = join(entry.parentPath, entry.name);
      const needles = await this.file(place).catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return new Set<string>(); throw error; });
      for (const needle of needles) found.push({ needle, place });
    }
    return found;
  }
}
