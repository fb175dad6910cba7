import { parseLogName } from '@millrace/kernel';
import { connectPlatform, type PlatformClient } from '../client/platform-client.ts';
import { megabytes } from '../output/table.ts';
import { progressBar } from '../output/progress-bar.ts';
import { present } from '../output/terminal.ts';
import { withTenant, type CommandContext, type Register, type TenantOptions } from './command-context.ts';
import { untilInterrupted } from './interruption.ts';
import { parseCount } from './option-value.ts';

interface ArchiveOptions extends TenantOptions {
  readonly through: number;
  readonly segmentEvents?: number;
}

interface Step {
  readonly log: string;
  readonly archivedThrough: number;
  readonly provenThrough: number;
  readonly segment?: { readonly from: number; readonly to: number; readonly sha256: string; readonly bytes: number };
  readonly done: boolean;
}

interface Archived { readonly log: string; readonly archivedThrough: number; readonly done: boolean; readonly segments: NonNullable<Step['segment']>[] }

/** Asks for segment after segment. Interrupting stops between two of them; what is archived stays so. */
const archive = async (client: PlatformClient, log: string, { tenant, through, segmentEvents }: ArchiveOptions, { terminal }: CommandContext): Promise<Archived> => {
  const bar = progressBar(terminal.progress, 'archiving [{bar}] {percentage}% | {value}/{total} events | {eta_formatted} left', 20);
  const segments: Archived['segments'] = [];
  bar.start(through, 0);
  try {
    return await untilInterrupted(async (signal) => {
      for (;;) {
        const step = await client.call('backbone', '/v1/archive', { method: 'POST', body: { tenant, log, through, ...(segmentEvents === undefined ? {} : { segmentEvents }) } }) as Step;
        if (step.segment !== undefined) segments.push(step.segment);
        bar.update(Math.min(through, step.archivedThrough));
        if (step.done || signal.aborted) return { log: step.log, archivedThrough: step.archivedThrough, done: step.done, segments };
      }
    });
  } finally {
    bar.stop();
  }
};

const inWords = ({ log, archivedThrough, done, segments }: Archived): string => {
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  const made = segments.length === 0 ? 'nothing was left to archive' : `${segments.length} segment${segments.length === 1 ? '' : 's'}, ${megabytes(bytes)}`;
  return `${log} is archived through position ${archivedThrough}: ${made}${done ? '' : '; interrupted, the same command goes on'}`;
};

export const registerArchive: Register = (program, context) => {
  withTenant(program.command('archive <log>').description('move a log\'s oldest events to Parquet segments, e.g. sales/0'), 'shop')
    .requiredOption('--through <position>', 'up to and with this position', parseCount('--through', 1, Number.MAX_SAFE_INTEGER))
    .option('--segment-events <n>', 'events in a segment (50000)', parseCount('--segment-events', 100, 100_000))
    .action(async (log: string, options: ArchiveOptions) => {
      parseLogName(options.tenant, log);
      const archived = await archive(connectPlatform(context.config.home), log, options, context);
      present(context.terminal, options.json === true, archived, () => inWords(archived));
      if (!archived.done) context.fail();
    });
};
