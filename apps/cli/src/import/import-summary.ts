import { alignedTable } from '../output/table.ts';
import type { ImportReport } from './import-online-retail.ts';

const grouped = (count: number): string => count.toLocaleString('en-GB');

/** What to do about events whose file says something else than it said when they were stored; nothing when there are none. */
export const conflictRemedy = ({ conflicts }: ImportReport): string[] => (conflicts === 0 ? [] : [
  `${grouped(conflicts)} of the rejected events are stored with other content: this file changed, or the one imported before was cut. The log keeps what it has, so its figures are not this file's. Import this file into a tenant of its own (--tenant <name>), or send what is missing as events with ids of their own.`,
]);

/** A report in words: what was sent, how fast, and what of the file deserves a look. */
export const importSummary = (report: ImportReport): string => {
  const { found } = report;
  const heading = `${grouped(report.invoices)} invoices with ${grouped(report.lines)} lines (${grouped(report.events)} events) from ${found.firstTime.slice(0, 10)} to ${found.lastTime.slice(0, 10)}; all lines add to GBP ${found.gross}.`;
  const outcome = `${grouped(report.accepted)} accepted, ${grouped(report.duplicate)} duplicate, ${grouped(report.rejected)} rejected, ${grouped(report.alreadyStored)} known from an earlier run.`;
  const pace = `Read in ${report.readSeconds.toFixed(1)} s, sent ${grouped(report.sentLines)} lines in ${report.sendSeconds.toFixed(1)} s: ${grouped(report.linesPerSecond)} lines/s (${grouped(report.linesPerSecondOverall)} with reading); ${grouped(report.requests)} requests, ${grouped(report.retries)} repeated.`;
  const oddities: [string, number][] = [
    ['lines without customer', found.linesWithoutCustomer], ['lines with price zero', found.linesWithZeroPrice], ['lines with a negative price', found.linesWithNegativePrice],
    ['lines with negative quantity', found.linesWithNegativeQuantity], ['… of them not on a cancellation', found.negativeQuantityNotCancelled],
    ['exact duplicate lines (kept: they were billed)', found.exactDuplicateLines], ['lines without description', found.linesWithoutDescription],
    ['cancelled invoices', found.cancelled], ['lines on them', found.cancellationLines], ['bad-debt adjustments', found.adjusted],
    ['customers with several countries', found.customersWithSeveralCountries], ['invoices billed over several minutes', found.invoicesWithSeveralTimes], ['invoices scattered over the file', found.scatteredInvoices],
  ];
  const unlisted = found.unlistedCodes.length === 0 ? [] : [`Stock codes without a rule, counted as other: ${found.unlistedCodes.slice(0, 20).join(', ')}`];
  const rejects = report.rejects.map((reject) => (reject.outcome === 'rejected' ? `rejected ${reject.id} ${reject.pointer ?? ''} ${reject.code}: ${reject.reason}` : ''));
  return [heading, outcome, pace, '', alignedTable(['found in the file', 'count'], oddities.map(([name, count]) => [name, grouped(count)])), ...unlisted, ...rejects, ...conflictRemedy(report)].join('\n');
};
