import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { root } from './platform.ts';

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
const COUNTRIES = ['United Kingdom', 'Germany', 'France', 'EIRE'];

/** A small generator (LCG, Numerical Recipes' constants), so that the file is the same on every machine. */
const numbers = (seed: number): ((below: number) => number) => {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
};

/** Rows in the form of the Online Retail file, with its oddities: cancellations, no customer, zero prices, postage, repeated lines. */
export const madeRows = (invoices: number, seed = 7): string[] => {
  const below = numbers(seed);
  const start = Date.UTC(2010, 11, 1, 8);
  return Array.from({ length: invoices }, (_, n) => {
    const cancelled = below(8) === 0;
    const customer = below(5) === 0 ? '' : String(12_346 + below(400));
    const country = COUNTRIES[below(COUNTRIES.length)]!;
    const at = new Date(start + Math.floor((n * 31_000_000_000) / invoices)).toISOString().replace('T', ' ').slice(0, 19);
    const lines = Array.from({ length: 1 + below(12) }, () => {
      const code = below(30) === 0 ? 'POST' : String(20_000 + below(300));
      const quantity = (1 + below(24)) * (cancelled ? -1 : 1);
      const price = below(40) === 0 ? '0' : `${below(20)}.${String(below(1000)).padStart(3, '0')}`;
      return `${cancelled ? 'C' : ''}${536_365 + n},${code},"ITEM ${code}, ""BOXED""",${quantity},${at},${price},${customer},${country}`;
    });
    return below(10) === 0 ? [...lines, lines[0]!] : lines;
  }).flat();
};

/** The real file where MILLRACE_DATA has it; else one of the same form, after saying so. */
export const retailFile = async (dir: string): Promise<{ file: string; expected: string | undefined }> => {
  const data = resolve(process.env['MILLRACE_DATA'] ?? join(root, '../shared/data'), 'online-retail');
  const real = join(data, 'online_retail.csv.gz');
  if (existsSync(real)) return { file: real, expected: join(data, 'expected.json') };
  process.stderr.write('data set online-retail is absent (MILLRACE_DATA): the import is checked on a made file and not against published figures\n');
  const file = join(dir, 'online_retail.csv');
  await writeFile(file, `${[HEADER, ...madeRows(6000)].join('\n')}\n`);
  return { file, expected: undefined };
};
