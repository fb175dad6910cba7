import type { ImportReport } from './import-online-retail.ts';
import { importSummary } from './import-summary.ts';

const report: ImportReport = {
  file: 'retail.csv.gz',
  events: 34_358,
  accepted: 30_000,
  duplicate: 4000,
  rejected: 0,
  conflicts: 0,
  alreadyStored: 358,
  dropped: 0,
  invoices: 25_900,
  lines: 541_909,
  sentLines: 541_000,
  readSeconds: 6.25,
  sendSeconds: 30,
  linesPerSecond: 18_033,
  linesPerSecondOverall: 14_924,
  requests: 101,
  retries: 2,
  rejects: [],
  found: {
    lines: 541_909,
    invoices: 25_900,
    placed: 22_061,
    cancelled: 3836,
    adjusted: 3,
    products: 4070,
    customers: 4372,
    countries: 38,
    firstTime: '2010-12-01T08:26:00Z',
    lastTime: '2011-12-09T12:50:00Z',
    gross: '9747747.934',
    cancellationLines: 9288,
    adjustmentLines: 3,
    linesWithoutCustomer: 135_080,
    linesWithoutDescription: 1454,
    linesWithZeroPrice: 2515,
    linesWithNegativePrice: 2,
    linesWithNegativeQuantity: 10_624,
    negativeQuantityNotCancelled: 1336,
    exactDuplicateLines: 5268,
    linesByKind: { product: 541_909 },
    unlistedCodes: [],
    customersWithSeveralCountries: 8,
    invoicesWithSeveralTimes: 43,
    scatteredInvoices: 1,
  },
};
const lines = importSummary(report).split('\n');

describe('an import in words', () => {
  it('begins with what the file holds', () => {
    expect(lines[0]).toBe('25,900 invoices with 541,909 lines (34,358 events) from 2010-12-01 to 2011-12-09; all lines add to GBP 9747747.934.');
  });
  it('says what became of every event', () => {
    expect(lines[1]).toBe('30,000 accepted, 4,000 duplicate, 0 rejected, 358 known from an earlier run.');
  });
  it('says how fast, with and without reading', () => {
    expect(lines[2]).toMatch(/^Read in 6\.\d s, sent 541,000 lines in 30\.0 s: 18,033 lines\/s \(14,924 with reading\); 101 requests, 2 repeated\.$/);
  });
  it.each([
    ['lines without customer', '135,080'],
    ['lines with price zero', '2,515'],
    ['exact duplicate lines (kept: they were billed)', '5,268'],
    ['lines with negative quantity', '10,624'],
    ['cancelled invoices', '3,836'],
    ['bad-debt adjustments', '3'],
    ['customers with several countries', '8'],
    ['invoices scattered over the file', '1'],
  ])('lists %s: %s', (name, count) => {
    const line = lines.find((each) => each.startsWith(`${name} `));
    expect(line?.slice(name.length).trim()).toBe(count);
  });
  it('is silent about codes and rejects when there are none', () => {
    expect(lines.filter((line) => /Stock codes|rejected \w{8}-/.test(line))).toEqual([]);
  });
  it('names codes without a rule, the first twenty', () => {
    const unlistedCodes = Array.from({ length: 30 }, (_, i) => `X${i}`);
    const words = importSummary({ ...report, found: { ...report.found, unlistedCodes } });
    expect(words).toContain('Stock codes without a rule, counted as other: X0, X1,');
    expect(words).toContain('X19');
    expect(words).not.toContain('X20');
  });
  it('says what to do about events stored with other content', () => {
    expect(importSummary({ ...report, rejected: 1, conflicts: 1 }).split('\n').at(-1)).toMatch(/^1 of the rejected events are stored with other content: .*into a tenant of its own \(--tenant <name>\)/);
  });
  it('names rejects with pointer, code and reason', () => {
    const words = importSummary({
      ...report,
      rejected: 2,
      rejects: [
        { id: 'e-1', outcome: 'rejected', pointer: '/time', code: 'time-too-old', reason: 'before 1990' },
        { id: 'e-2', outcome: 'rejected', code: 'conflict', reason: 'stored with another body' },
      ],
    });
    expect(words).toContain('rejected e-1 /time time-too-old: before 1990');
    expect(words).toMatch(/rejected e-2 +conflict: stored with another body/);
  });
});
