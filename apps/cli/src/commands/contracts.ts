import type { Finding } from '@millrace/contracts';
import { connectPlatform } from '../client/platform-client.ts';
import { present } from '../output/terminal.ts';
import type { Register } from './command-context.ts';
import { parseCount } from './option-value.ts';

interface Met extends Finding { readonly log?: string; readonly position?: number }

/** What backbone answers. */
export interface ContractsReport {
  readonly contracts: number;
  readonly fixtures: number;
  readonly events: number;
  readonly complete: boolean;
  readonly breaks: readonly Met[];
  readonly unfit: readonly Met[];
}

/** Newest events of each type and log that are read. */
const USUAL_SAMPLE = 100;

const lines = ({ type, version, says, breaks, log, position }: Met): string[] => [
  `${type} version ${version}${log === undefined ? '' : `, first met at ${log} ${position}`}`, `  ${says}`, ...(breaks.length === 0 ? [] : [`  would break: ${breaks.join(', ')}`]),
];

/** The report in words: what was checked, then each break with what it would break, then events that never fitted. */
export const contractsInWords = ({ contracts, fixtures, events, complete, breaks, unfit }: ContractsReport): string => [
  `${contracts} contracts against what was released, ${fixtures} frozen fixtures and ${events} stored events${complete ? '' : ' (time ran out before all asked for were read)'}: ${breaks.length === 0 ? 'compatible' : `${breaks.length} BREAK${breaks.length === 1 ? '' : 'S'}`}`,
  ...breaks.flatMap(lines),
  ...(unfit.length === 0 ? [] : ['', 'stored events that never fitted their own contract (their readers park them):', ...unfit.flatMap(lines)]),
].join('\n');

export const registerContracts: Register = (program, context) => {
  program.command('contracts').description('contracts of events')
    .command('check').description('hold the contracts against what was released and what the logs hold')
    .option('--sample <count>', 'newest events of each type and log to read', parseCount('--sample', 1, 10_000), USUAL_SAMPLE)
    .option('--json', 'one JSON document on standard output and nothing else there')
    .action(async ({ sample, json }: { sample: number; json?: boolean }) => {
      const report = await connectPlatform(context.config.home).call('backbone', '/v1/contracts/check', { query: { sample } }) as ContractsReport;
      present(context.terminal, json === true, report, () => contractsInWords(report));
      if (report.breaks.length > 0) context.fail();
    });
};
