export type Cell = string | number | boolean | bigint | null | undefined;

const text = (cell: Cell): string => (cell === null || cell === undefined ? '–' : String(cell).replaceAll(/\s+/g, ' '));

const isNumeric = (cell: string): boolean => /^-?[\d,]+(\.\d+)?( [kMG]?B)?$/.test(cell) || cell === '–';

/** Columns padded to their widest cell, numbers to the right. No trailing blanks. */
export const alignedTable = (headings: readonly string[], rows: readonly (readonly Cell[])[]): string => {
  const cells = rows.map((row) => headings.map((_, column) => text(row[column])));
  const widths = headings.map((heading, column) => Math.max(heading.length, ...cells.map((row) => row[column]!.length)));
  const toTheRight = headings.map((_, column) => cells.length > 0 && cells.every((row) => isNumeric(row[column]!)));
  const line = (row: readonly string[]): string => row.map((cell, column) => (toTheRight[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join('  ').trimEnd();
  return [line(headings.map((heading) => heading.toUpperCase())), ...cells.map(line)].join('\n');
};

/** A table of objects: the columns are those of the first row. */
export const objectTable = (rows: readonly Readonly<Record<string, unknown>>[]): string => {
  const headings = Object.keys(rows[0] ?? {});
  return headings.length === 0 ? '(no rows)' : alignedTable(headings, rows.map((row) => headings.map((name) => asCell(row[name]))));
};

export const asCell = (value: unknown): Cell => {
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return JSON.stringify(value);
};

export const megabytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(0)} MB`;
