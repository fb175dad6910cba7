import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CsvError, parse } from 'csv-parse';
import { DomainError, isDomainError } from '@millrace/kernel';
import { fileFault } from './file-fault.ts';
import { utf8Lines, type TextProgress } from './text-blocks.ts';

/** One record and the line it starts on. */
export interface CsvRecord {
  readonly line: number;
  readonly fields: readonly string[];
}

/** By shape, not by class: what the platform throws may be of another realm. */
const errorCode = (error: unknown): string => (typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '');

const unreadable = (error: unknown): DomainError => {
  const code = errorCode(error);
  const [came, remedy] = code === 'ENOENT' ? ['no file there', 'Check the path.'] : code === 'EISDIR' ? ['a folder', 'Name the file in it.'] : [`the error ${code || 'unknown'}`, 'Check that you may read it.'];
  return fileFault({ code: 'unreadable', expected: 'a readable CSV file, plain or .gz', came, remedy });
};

const badGzip = (error: unknown, lines: number): DomainError => {
  const cut = errorCode(error) === 'Z_BUF_ERROR';
  const came = cut ? 'a compressed file that ends in the middle' : 'compressed data that is damaged, or is not gzip at all';
  return fileFault({ code: cut ? 'cut-off' : 'gzip-damaged', line: lines + 1, expected: 'a whole gzip file', came, remedy: 'Fetch the file again.' });
};

/** `line` is where the record starts: the parser counts on to where it noticed, which for a quote that never ends is the end of the file. */
const badCsv = (error: CsvError, line: number): DomainError => {
  const remedy = 'Correct this line, or export the file again; a field that holds a comma or a quote is written "like ""this""".';
  if (error.code === 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH') {
    const came: unknown = error.record;
    return fileFault({ code: 'line-broken', line, expected: 'as many fields as the first line has', came: `${Array.isArray(came) ? came.length : 'another number of'} fields`, remedy });
  }
  return fileFault({ code: 'line-broken', line, expected: 'fields separated by commas', came: error.code === 'CSV_QUOTE_NOT_CLOSED' ? 'a quoted field that never ends' : 'quotes in the wrong place', remedy });
};

async function* fileBytes(file: string, progress: TextProgress): AsyncGenerator<Buffer> {
  const source = createReadStream(file);
  if (!file.endsWith('.gz')) {
    yield* source as AsyncIterable<Buffer>;
    return;
  }
  try {
    // The pipeline's own callback has nothing to add: its error comes out of the iteration below.
    yield* pipeline(source, createGunzip(), () => undefined) as AsyncIterable<Buffer>;
  } catch (error) {
    throw errorCode(error).startsWith('Z_') ? badGzip(error, progress.lines) : error;
  }
}

const newlinesIn = (fields: readonly string[]): number => {
  let count = 0;
  for (const field of fields) if (field.includes('\n')) count += field.split('\n').length - 1;
  return count;
};

/** Records of a CSV file, plain or gzip (by its name), with constant memory. Throws one `file-…` DomainError for whatever is wrong with it. */
export async function* csvRecords(file: string): AsyncGenerator<CsvRecord> {
  const progress: TextProgress = { lines: 0 };
  // The parser is ahead of whoever reads: when it fails, this is where the record begins that it had in hand.
  let parsing = 1;
  const passed = (fields: string[]): string[] => {
    parsing += 1 + newlinesIn(fields);
    return fields;
  };
  const parser = pipeline(Readable.from(utf8Lines(fileBytes(file, progress), progress)), parse({ bom: true, max_record_size: 128 * 1024, on_record: passed }), () => undefined);
  let line = 1;
  try {
    for await (const fields of parser as AsyncIterable<string[]>) {
      yield { line, fields };
      line += 1 + newlinesIn(fields);
    }
  } catch (error) {
    if (isDomainError(error)) throw error;
    throw error instanceof CsvError ? badCsv(error, parsing) : unreadable(error);
  }
}
