import { performance } from 'node:perf_hooks';
import { caughtUp, freeBase, freshHome, millraceJson, removeHome, startPlatform, status } from '../e2e/platform.ts';
import { retailFile } from '../e2e/retail-file.ts';
import type { Bench } from './bench-result.ts';
import { whole } from './rounds.ts';

interface Report { readonly lines: number; readonly invoices: number }

/**
 * The import of the Online Retail file into a fresh platform with every service running: lines per second until the last answer, and until
 * analytics and the warehouse have read everything. `lag` is the second time over the first.
 */
export const benchImport: Bench = async () => {
  const home = await freshHome();
  const platform = await startPlatform({ home, base: await freeBase() });
  try {
    const { file } = await retailFile(home);
    const begun = performance.now();
    const report = await millraceJson<Report>(home, 'import', 'online-retail', file);
    const answered = performance.now();
    await caughtUp(home);
    const consumed = performance.now();
    const memory = (await status(home)).services.reduce((sum, service) => sum + service.pssBytes, 0);
    const seconds = (answered - begun) / 1000;
    const lag = Number(((consumed - begun) / (answered - begun)).toFixed(3));
    return {
      headlines: [`import of the Online Retail file: ${whole(report.lines / seconds)} lines/s until the last answer, ${whole((report.lines * 1000) / (consumed - begun))} until every reader has them`],
      ratios: { lag }, spread: { lag: { min: lag, max: lag } }, settings: { services: 'all' }, rounds: [{ linesPerSecond: Math.round(report.lines / seconds) }],
      lines: report.lines, invoices: report.invoices,
      secondsToLastAnswer: seconds, secondsToConsumed: (consumed - begun) / 1000, pssBytesAfter: memory,
    };
  } finally {
    await platform.stop();
    await removeHome(home);
  }
};
