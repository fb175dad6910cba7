import type { WireEvent } from '@millrace/contracts';
import { csvRecords } from './csv-records.ts';
import { fileFault } from './file-fault.ts';
import { findingsOf, type RetailFindings } from './findings.ts';
import { addRow, type Invoice } from './invoice.ts';
import { retailEvents } from './retail-event.mapping.ts';
import { rowReader, type RetailRow } from './retail-row.ts';

/** A whole, checked file. */
export interface OnlineRetailFile {
  readonly found: RetailFindings;
  /** How many events `events()` yields. */
  readonly eventCount: number;
  /** From the start at each call, the same events with the same ids. */
  events(): Iterable<WireEvent>;
}

/**
 * Reads and checks a UCI Online Retail CSV (plain, or gzip when its name ends in `.gz`) to its end before answering, since a line of
 * an invoice may stand anywhere. Holds the lines in memory: about 200 bytes each. Throws DomainError `file-…` for the first fault,
 * naming line, expectation, what came and the remedy. `onLines` hears the number of lines read so far, now and then.
 */
export const readOnlineRetail = async (file: string, onLines: (lines: number) => void = () => undefined): Promise<OnlineRetailFile> => {
  const byNumber = new Map<string, Invoice>();
  let toRow: ((record: readonly string[], line: number) => RetailRow) | undefined;
  for await (const { line, fields } of csvRecords(file)) {
    if (toRow === undefined) toRow = rowReader(fields);
    else addRow(byNumber, toRow(fields, line));
    if (line % 10_000 === 0) onLines(line);
  }
  const invoices = [...byNumber.values()];
  if (invoices.length === 0) throw fileFault({ code: 'empty', expected: 'a line with the column names and lines below it', came: toRow === undefined ? 'nothing' : 'the column names alone', remedy: 'Check the path and fetch the file again.' });
  let eventCount = 0;
  for (const _ of retailEvents(invoices)) eventCount++;
  return { found: findingsOf(invoices), eventCount, events: () => retailEvents(invoices) };
};
