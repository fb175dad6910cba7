import { writeFile } from 'node:fs/promises';
import { parseLogName } from '@millrace/kernel';
import { connectPlatform } from '../client/platform-client.ts';
import { exportLog } from '../ledger/log-export.ts';
import { positionBar } from '../ledger/position-bar.ts';
import { alignedTable } from '../output/table.ts';
import { present } from '../output/terminal.ts';
import { withTenant, type CommandContext, type Register, type TenantOptions } from './command-context.ts';

interface Finding { readonly tenant: string; readonly log: string; readonly kind: string; readonly position?: number; readonly through?: number; readonly what: string }
interface Verdict { readonly tenant: string; readonly log: string; readonly size: number; readonly cosignedAt?: string; readonly witness: string; readonly events: number; readonly redacted: readonly number[]; readonly findings: number }
interface Line {
  readonly progress?: { readonly tenant: string; readonly log: string; readonly done: number; readonly total: number };
  readonly finding?: Finding;
  readonly verdict?: Verdict;
  readonly end?: number;
}

/** A log that was rewritten has as many findings as events; the rest are counted. */
const SHOWN_PER_LOG = 100;

const place = ({ position, through }: Finding): string => (position === undefined ? '' : ` position ${position}${through === undefined ? '' : ` to ${through}`}:`);
const stateOf = ({ findings, size, redacted }: Verdict): string => (findings > 0 ? `${findings} FINDINGS` : size === 0 ? 'nothing cosigned yet' : redacted.length > 0 ? `valid, redacted: ${redacted.length}` : 'valid');

interface VerifyOptions extends TenantOptions { readonly log?: string; readonly recovered?: string }

const verify = async (context: CommandContext, { tenant, log, recovered, json }: VerifyOptions): Promise<void> => {
  const [findings, verdicts, bar] = [[] as Finding[], [] as Verdict[], positionBar(context.terminal.progress, 'verifying')];
  const shown = new Map<string, number>();
  let ended = false;
  try {
    for await (const line of connectPlatform(context.config.home).lines('backbone', '/v1/ledger/verify', { tenant: tenant as string | undefined, log, recovered }) as AsyncGenerator<Line>) {
      if (line.progress) bar.at(`${line.progress.tenant} ${line.progress.log}`, line.progress.done, line.progress.total);
      if (line.verdict) verdicts.push(line.verdict);
      ended ||= line.end !== undefined;
      if (!line.finding) continue;
      const name = `${line.finding.tenant} ${line.finding.log}`;
      shown.set(name, (shown.get(name) ?? 0) + 1);
      if ((shown.get(name) ?? 0) <= SHOWN_PER_LOG) findings.push(line.finding);
    }
  } finally {
    bar.stop();
  }
  const table = (): string => [
    ...findings.map((one) => `${one.tenant} ${one.log}${place(one)} ${one.kind}: ${one.what}`),
    alignedTable(['tenant', 'log', 'events', 'cosigned', 'witness', 'result'], verdicts.map((one) => [one.tenant, one.log, one.events, one.size, one.witness, stateOf(one)])),
  ].join('\n');
  present(context.terminal, json === true, { findings, logs: verdicts, complete: ended }, table);
  if (!ended) context.terminal.err('millrace: the verification was cut off before its end: see the log of backbone');
  if (!ended || verdicts.some((one) => one.findings > 0)) context.fail();
};

/** An id may hold any text; a file's name what every system takes. */
const proofFileOf = (id: string): string => `${id.replaceAll(/[^\w.-]/g, '_').slice(0, 100)}.tlog-proof`;

interface LedgerAnswer { readonly key: string; readonly witnessKey: string; readonly logs: readonly { readonly tenant: string; readonly log: string; readonly head: number; readonly size: number; readonly cosigned: number; readonly state: string; readonly reason?: string }[] }

export const registerLedger: Register = (program, context) => {
  const ledger = program.command('ledger').description('the signed tree over every log: its state, proofs, exports, verification');
  withTenant(ledger.command('status').description('the public keys, and how far each log is signed and cosigned'))
    .action(async ({ tenant, json }: TenantOptions) => {
      const answer = await connectPlatform(context.config.home).call('backbone', '/v1/ledger', { query: { tenant: tenant as string | undefined } }) as LedgerAnswer;
      present(context.terminal, json === true, answer, () => `log key      ${answer.key}\nwitness key  ${answer.witnessKey}\n${alignedTable(['tenant', 'log', 'head', 'signed', 'cosigned', 'state', 'why'], answer.logs.map((one) => [one.tenant, one.log, one.head, one.size, one.cosigned, one.state, one.reason ?? '']))}`);
    });
  withTenant(ledger.command('verify').description('read every event anew and hold it against what was cosigned; exit code 1 on any finding'))
    .option('--log <log>', 'this log only, e.g. sales/0')
    .option('--recovered <epochs>', 'epochs that ended in a recovery you know of, with commas between')
    .action((options: VerifyOptions) => verify(context, options));
  withTenant(ledger.command('prove <event-id>').description('write a proof that an event stands in its log, for anybody who has the public keys'), 'shop')
    .option('-o, --output <file>', 'where to write it (default: <event-id>.tlog-proof, here)')
    .action(async (id: string, { tenant, json, output = proofFileOf(id) }: TenantOptions & { output?: string }) => {
      const answer = await connectPlatform(context.config.home).call('backbone', `/v1/ledger/proofs/${encodeURIComponent(id)}`, { query: { tenant } }) as { log: string; position: number; proof: string };
      await writeFile(output, answer.proof);
      present(context.terminal, json === true, { file: output, log: answer.log, position: answer.position }, () => `${output}: ${id} stands at position ${answer.position} of ${answer.log}`);
    });
  withTenant(ledger.command('export <folder>').description('write a log up to its last cosigned checkpoint, to be verified anywhere'), 'shop')
    .requiredOption('--log <log>', 'which log, e.g. sales/0')
    .action(async (folder: string, { tenant, json, log }: TenantOptions & { log: string }) => {
      const bar = positionBar(context.terminal.progress, 'exporting');
      try {
        const { size } = await exportLog(connectPlatform(context.config.home), parseLogName(tenant, log), folder, (done, total) => bar.at(`${tenant} ${log}`, done, total));
        present(context.terminal, json === true, { folder, log, size }, () => `${folder}: ${size} events of ${log}`);
      } finally {
        bar.stop();
      }
    });
};
