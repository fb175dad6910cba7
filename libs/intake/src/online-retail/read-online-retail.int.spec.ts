import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DomainError } from '@millrace/kernel';
import { csvRecords } from './csv-records.ts';
import { readOnlineRetail } from './read-online-retail.ts';

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
/** Every oddity of the real file, on few lines. */
const ODD = `${HEADER}
536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,2010-12-01 08:26:00,2.55,17850,United Kingdom
536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,2010-12-01 08:26:00,2.55,17850,United Kingdom
536365,71053,"LANTERN, ""WHITE"" METAL ",6,2010-12-01 08:27:00,3.39,17850,United Kingdom
536370,POST,POSTAGE,3,2010-12-01 08:45:00,18.0,12583,France
536365,gift_0001_20,Dotcomgiftshop Gift Voucher £20.00,1,2010-12-01 08:26:00,16.670,17850,United Kingdom
536414,22139,,56,2010-12-01 11:52:00,0.0,,United Kingdom
536589,21777,damaged,-10,2010-12-01 16:50:00,0.0,,United Kingdom
C536379,D,Discount,-1,2010-12-01 09:41:00,27.5,17850,Channel Islands
A563185,B,Adjust bad debt,1,2011-08-12 14:50:00,11062.06,,United Kingdom
A563186,B,Adjust bad debt,1,2011-08-12 14:51:00,-11062.06,,United Kingdom
536500,MYSTERY,what is this,1,2010-12-02 09:00:00,0.001,,EIRE
536501,m,Manual,1,2010-12-02 09:01:00,1.0,12583,France
`;

let folder = '';
let files = 0;
const fileOf = async (content: string | Buffer, name = 'retail.csv'): Promise<string> => {
  const path = join(folder, `${files++}-${name}`);
  await writeFile(path, content);
  return path;
};
const faultOf = async (path: string): Promise<{ code: string; message: string; line: unknown }> => {
  const error: unknown = await readOnlineRetail(path).then(() => undefined, (e: unknown) => e);
  if (error instanceof DomainError) return { code: error.code, message: error.message, line: error.details.line };
  throw new Error(`expected a DomainError, got ${String(error)}`);
};
const lines = ODD.split('\n').slice(0, -1);
const changed = (line: number, text: string): string => `${lines.with(line - 1, text).join('\n')}\n`;

beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'millrace-retail-')); });
afterAll(async () => { await rm(folder, { recursive: true }); });

describe('a small file with every oddity', () => {
  it.each([['plain', false], ['gzip', true]])('is read and reported, %s', async (_name, gzip) => {
    const { found, eventCount } = await readOnlineRetail(await fileOf(gzip ? gzipSync(ODD) : ODD, gzip ? 'retail.csv.gz' : 'retail.csv'));
    expect(found).toEqual({
      lines: 12, invoices: 9, placed: 6, cancelled: 1, adjusted: 2, products: 10, customers: 2, countries: 4,
      firstTime: '2010-12-01T08:26:00Z', lastTime: '2011-08-12T14:51:00Z', gross: '95.111',
      cancellationLines: 1, adjustmentLines: 2, linesWithoutCustomer: 5, linesWithoutDescription: 1, linesWithZeroPrice: 2, linesWithNegativePrice: 1,
      linesWithNegativeQuantity: 2, negativeQuantityNotCancelled: 1, exactDuplicateLines: 1,
      linesByKind: { product: 5, postage: 1, other: 2, discount: 1, adjustment: 2, manual: 1 }, unlistedCodes: ['MYSTERY'],
      customersWithSeveralCountries: 1, invoicesWithSeveralTimes: 1, scatteredInvoices: 1,
    });
    expect(eventCount).toBe(9 + 10 + 2 + 1);
  });
  it('gives the same events each time it is asked', async () => {
    const file = await readOnlineRetail(await fileOf(ODD));
    expect([...file.events()]).toEqual([...file.events()]);
    expect([...file.events()]).toHaveLength(file.eventCount);
  });
  it('may have the mark of UTF-8, CRLF line ends and another order of columns', async () => {
    const same = await readOnlineRetail(await fileOf(`\ufeff${ODD.replaceAll('\n', '\r\n')}`));
    expect([...same.events()]).toEqual([...(await readOnlineRetail(await fileOf(ODD))).events()]);
  });
  it('keeps quotes, commas and pounds of descriptions', async () => {
    const { events } = await readOnlineRetail(await fileOf(ODD));
    expect(JSON.stringify([...events()])).toContain(JSON.stringify('LANTERN, "WHITE" METAL '));
  });
});

describe('a bad file ends with one error that names the line', () => {
  it('without a column', async () => {
    expect(await faultOf(await fileOf(ODD.replace('UnitPrice', 'Price')))).toMatchObject({ code: 'file-column-missing', line: 1, message: expect.stringContaining('UnitPrice') });
  });
  it.each([
    ['too few fields', '536370,POST,POSTAGE,3,2010-12-01 08:45:00,18.0,12583', /^Line 5: expected as many fields as the first line has; got 7 fields\./],
    ['too many fields', `${lines[4]},x`, /^Line 5: expected as many fields as the first line has; got 9 fields\./],
    ['an empty line', '', /^Line 5: expected as many fields/],
    ['a quote in the middle', '536370,POST,POST"AGE,3,2010-12-01 08:45:00,18.0,12583,France', /^Line 5: expected fields separated by commas; got quotes in the wrong place/],
    ['a quote that never ends', '536370,POST,"POSTAGE,3,2010-12-01 08:45:00,18.0,12583,France', /^Line 5: expected fields separated by commas; got (a quoted field that never ends|quotes in the wrong place)/],
    ['no number', '536370,POST,POSTAGE,three,2010-12-01 08:45:00,18.0,12583,France', /^Line 5: expected a whole number in column Quantity; got "three"\./],
    ['a bad date', '536370,POST,POSTAGE,3,1/12/2010 08:45,18.0,12583,France', /^Line 5: expected a date and time .* in column InvoiceDate/],
    ['another customer on a known invoice', '536365,POST,POSTAGE,3,2010-12-01 08:45:00,18.0,12583,United Kingdom', /^Line 5: expected the customer and country that invoice 536365 has on line 2/],
  ])('with %s', async (_name, text, expected) => {
    const fault = await faultOf(await fileOf(changed(5, text)));
    expect(fault.message).toMatch(expected);
    expect(fault.message).toContain('Nothing was sent.');
    expect(fault.message).not.toContain('12583');
  });
  it('with a quote that never ends, after a field of several lines', async () => {
    const file = await fileOf('a,b\r\n1,"two\r\nlines"\r\n2,"never\r\n3,4\r\n5,6\r\n');
    const read = async (): Promise<number[]> => {
      const starts: number[] = [];
      for await (const { line } of csvRecords(file)) starts.push(line);
      return starts;
    };
    await expect(read()).rejects.toMatchObject({ code: 'file-line-broken', details: { line: 4 }, message: expect.stringContaining('a quoted field that never ends') });
  });
  it('counts line breaks within quoted fields', async () => {
    const text = changed(4, '536365,71053,"TWO\nLINES",6,2010-12-01 08:27:00,3.39,17850,United Kingdom').replace('18.0', 'x');
    expect(await faultOf(await fileOf(text))).toMatchObject({ code: 'file-value-malformed', message: expect.stringMatching(/^Line (4|6)/) });
  });
  it.each(['latin1', 'utf16le'] as const)('in another encoding: %s', async (encoding) => {
    expect(await faultOf(await fileOf(Buffer.from(encoding === 'utf16le' ? `\ufeff${ODD}` : ODD, encoding)))).toMatchObject({ code: 'file-encoding', line: encoding === 'latin1' ? 6 : 1 });
  });
  it('cut in the middle of a line', async () => {
    expect(await faultOf(await fileOf(ODD.slice(0, -9)))).toMatchObject({ code: 'file-cut-off', line: 13, message: expect.stringContaining('fetch it again') });
  });
  it.each([0.1, 0.5, 0.99])('compressed and cut at %d', async (share) => {
    const bytes = gzipSync(ODD);
    expect(await faultOf(await fileOf(bytes.subarray(0, Math.floor(bytes.length * share)), 'cut.csv.gz'))).toMatchObject({ code: 'file-cut-off', message: expect.stringContaining('ends in the middle') });
  });
  it('compressed and damaged, or not compressed at all', async () => {
    const bytes = gzipSync(ODD);
    bytes[40] = 255 - (bytes[40] ?? 0);
    expect((await faultOf(await fileOf(bytes, 'bad.csv.gz'))).code).toMatch(/^file-(gzip-damaged|cut-off)$/);
    expect(await faultOf(await fileOf(ODD, 'plain.csv.gz'))).toMatchObject({ code: 'file-gzip-damaged' });
    expect(await faultOf(await fileOf(gzipSync(ODD), 'compressed.csv'))).toMatchObject({ code: 'file-encoding', line: 1 });
  });
  it('empty, or with a header alone', async () => {
    expect(await faultOf(await fileOf(''))).toMatchObject({ code: 'file-empty', message: expect.stringContaining('got nothing') });
    expect(await faultOf(await fileOf(`${HEADER}\n`))).toMatchObject({ code: 'file-empty', message: expect.stringContaining('column names alone') });
  });
  it('missing, or a folder', async () => {
    expect(await faultOf(join(folder, 'none.csv'))).toMatchObject({ code: 'file-unreadable', message: expect.stringContaining('no file there') });
    expect(await faultOf(join(folder, 'none.csv.gz'))).toMatchObject({ code: 'file-unreadable' });
    expect(await faultOf(folder)).toMatchObject({ code: 'file-unreadable', message: expect.stringContaining('a folder') });
  });
});

const dataFolder = resolve(process.env.MILLRACE_DATA ?? join(import.meta.dirname, '../../../../../shared/data'), 'online-retail');
const realFile = join(dataFolder, 'online_retail.csv.gz');

if (existsSync(realFile)) {
  describe('the real file', () => {
    it('gives exactly what was counted independently', async () => {
      const expected = JSON.parse(readFileSync(join(dataFolder, 'expected.json'), 'utf8')) as Record<string, unknown>;
      const file = await readOnlineRetail(realFile);
      expect(file.found).toMatchObject({
        lines: expected.rows, invoices: expected.invoices, gross: expected.gross_revenue_all_lines, products: expected.stock_codes, customers: expected.customers, countries: expected.countries,
        linesWithoutCustomer: expected.rows_without_customer, cancellationLines: expected.cancellation_lines_C, cancelled: expected.cancellation_invoices_C, adjustmentLines: expected.adjust_bad_debt_lines_A,
        exactDuplicateLines: expected.exact_duplicate_rows, linesWithNegativeQuantity: expected.negative_qty, linesWithZeroPrice: expected.zero_price, unlistedCodes: [],
      });
      const [orders, ids, lineCount] = [[...file.events()].filter((e) => e.type.startsWith('sales.order.')), new Set([...file.events()].map((e) => e.id)), { sum: 0 }];
      for (const { data } of orders) lineCount.sum += Array.isArray(data.lines) ? data.lines.length : 0;
      expect([orders.length, lineCount.sum, ids.size]).toEqual([25_900, 541_909, file.eventCount]);
    }, 120_000);
  });
} else {
  process.stderr.write(`The Online Retail data set is not at ${realFile}: its exact totals are NOT checked in this run. Set MILLRACE_DATA to the folder that holds online-retail/.\n`);
}
