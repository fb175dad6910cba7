import { resolve } from 'node:path';
import { connectPlatform, type PlatformClient } from '../client/platform-client.ts';
import { ownSourceKey } from '../client/source-keys.ts';
import { homeAt } from '../home/home.ts';
import { importOnlineRetail, type ImportReport } from '../import/import-online-retail.ts';
import type { LogHeads } from '../import/import-journal.ts';
import { importBar } from '../import/import-progress.ts';
import { conflictRemedy, importSummary } from '../import/import-summary.ts';
import { present } from '../output/terminal.ts';
import { untilInterrupted } from './interruption.ts';
import { withTenant, type CommandContext, type Register, type TenantOptions } from './command-context.ts';

interface ImportCommandOptions extends TenantOptions {
  readonly source: string;
  readonly journal?: string;
}

/** Times of the past are the file's nature, so the limit on them belongs to its source key. */
const EARLIEST = '1990-01-01T00:00:00Z';

const HEADS_TIMEOUT_MS = 10_000;

const headsOf = async (client: PlatformClient, tenant: string): Promise<LogHeads> => {
  const { logs } = await client.call('backbone', '/v1/logs', { query: { tenant }, timeoutMs: HEADS_TIMEOUT_MS }) as { logs: { log: string; epoch: number; head: number }[] };
  return new Map(logs.map(({ log, epoch, head }) => [log, { epoch, head }]));
};

const runImport = async ({ config, terminal }: CommandContext, file: string, { tenant, source, journal }: ImportCommandOptions): Promise<ImportReport> => {
  const home = homeAt(config.home);
  const client = connectPlatform(config.home);
  const sourceKey = await ownSourceKey(client, home, { tenant, name: source, recordOf: ['sales', 'customer', 'merchandise'], earliest: EARLIEST });
  return untilInterrupted((signal) => importOnlineRetail({
    file: resolve(file), ingestionUrl: client.urlOf('ingestion'), sourceKey, progress: importBar(terminal.progress), signal, heads: () => headsOf(client, tenant),
    journalFile: journal === undefined ? home.path('imports', `${tenant}-${source}.journal.jsonl`) : resolve(journal),
  }));
};

export const registerImport: Register = (program, context) => {
  const command = program.command('import').description('bring in files of the past');
  withTenant(command.command('online-retail <file>').description('the UCI Online Retail CSV, plain or .gz; repeating it adds nothing'), 'shop')
    .option('--source <name>', 'source key to import with; made when there is none', 'import')
    .option('--journal <file>', 'what the intake answered, kept so that a repeated import skips what is stored unchanged (default: in the data folder)')
    .action(async (file: string, options: ImportCommandOptions) => {
      const report = await runImport(context, file, options);
      present(context.terminal, options.json === true, report, () => importSummary(report));
      if (report.rejected === 0) return;
      context.terminal.err(`millrace: ${report.rejected} events were rejected; the report names the first of them`);
      for (const remedy of conflictRemedy(report)) context.terminal.err(`millrace: ${remedy}`);
      context.fail();
    });
};
