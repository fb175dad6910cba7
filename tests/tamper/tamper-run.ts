import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from '../../apps/backbone/src/verification/finding.ts';
import { LogVerification } from '../../apps/backbone/src/verification/log-verification.ts';
import { trusted } from '../../apps/backbone/src/ledger/testing.ts';
import type { LogKey } from '@millrace/kernel';
import { alter, drawAlterations, type Alteration } from './alteration.ts';
import { ALL_LOGS, cosignedLogs, isSameLog, type CosignedLogs } from './cosigned-logs.ts';
import { forge } from './forger.ts';
import { withServer } from '../load/bench-server.ts';

type Located = Finding & { readonly log: LogKey };

export interface TamperResult {
  readonly alteration: Alteration;
  readonly found: boolean;
  /** What was said of the altered position, or of anything when it was missed. */
  readonly said: readonly string[];
}

const TABLES = ['event', 'segment', 'ledger_tile', 'ledger_checkpoint'] as const;

const segmentsOf = ({ bench }: CosignedLogs): string => join(bench.dir, 'segments');
const keptOf = (logs: CosignedLogs): string => `${segmentsOf(logs)}-kept`;

/** The forger drops what would refuse him; plain indexes keep verification as quick as it is. */
const disarm = async (logs: CosignedLogs): Promise<void> => {
  const { owner } = logs;
  await cp(segmentsOf(logs), keptOf(logs), { recursive: true });
  await owner.run('create schema tamper');
  for (const table of TABLES) await owner.run(`create table tamper.${table} as table millrace.${table}`);
  await owner.run('alter table millrace.event drop constraint event_place, drop constraint event_identity, drop constraint event_stream_version');
  await owner.run('create index on millrace.event (tenant, context, shard, position)');
  await owner.run('create index on millrace.event (id, tenant)');
  await owner.run('create index on millrace.event (stream, tenant, stream_version)');
};

const restore = async (logs: CosignedLogs, { kind }: Alteration): Promise<void> => {
  if (kind === 'segment') {
    await rm(segmentsOf(logs), { recursive: true });
    await cp(keptOf(logs), segmentsOf(logs), { recursive: true });
  }
  for (const table of TABLES) await logs.owner.run(`truncate millrace.${table}; insert into millrace.${table} select * from tamper.${table}`);
};

const verifyAll = async ({ bench }: CosignedLogs): Promise<Located[]> => {
  const witnessed = await bench.witness.checkpoints();
  const findings: Located[] = [];
  for (const log of ALL_LOGS) {
    await new LogVerification(log, { store: bench.store, events: bench.events, mirror: bench.mirror, keys: trusted, witnessed }, {
      progress: () => undefined, finding: (finding) => { findings.push({ ...finding, log }); },
    }).run();
  }
  return findings;
};

const names = ({ log, position }: { readonly log: LogKey; readonly position: number }) => (finding: Located): boolean =>
  finding.kind !== 'root' && finding.kind !== 'epoch' && finding.kind !== 'checkpoint' && isSameLog(finding.log, log)
  && finding.position !== undefined && finding.position <= position && position <= (finding.through ?? finding.position);

const text = ({ log, kind, position, through, what }: Located): string => `${log.tenant} ${log.context}/${log.shard} ${position}${through === undefined ? '' : `-${through}`}: ${kind}: ${what}`;

/** Alters, verifies, undoes. A checkpoint or root that doesn't hold is not enough: the altered position must be named. */
const tryOne = async (logs: CosignedLogs, alteration: Alteration): Promise<TamperResult> => {
  await alter(logs.owner, segmentsOf(logs), alteration);
  if (alteration.forged) await forge(logs.owner, alteration);
  const findings = await verifyAll(logs);
  await restore(logs, alteration);
  const [mine, others] = [findings.filter(names(alteration)), alteration.kind === 'swap' ? findings.filter(names(alteration.other)) : []];
  const found = mine.length + others.length > 0;
  return { alteration, found, said: (found ? [...mine, ...others] : findings).slice(0, 5).map(text) };
};

/** Refuses to begin, or to end, with a log that doesn't verify: then nothing was shown. */
const requireClean = async (logs: CosignedLogs, when: string): Promise<void> => {
  const findings = await verifyAll(logs);
  if (findings.length > 0) throw new Error(`the log does not verify ${when}: ${text(findings[0]!)}`);
};

/** On a Postgres of its own: fills and cosigns logs, then alters them `count` times. The seed reproduces the run. */
export const tamperRun = (count: number, seed: number, progress: (done: number) => void = () => undefined): Promise<TamperResult[]> => withServer(async (server) => {
  const logs = await cosignedLogs(server);
  try {
    await disarm(logs);
    await requireClean(logs, 'before any alteration');
    const results: TamperResult[] = [];
    for (const alteration of drawAlterations(count, seed)) {
      results.push(await tryOne(logs, alteration));
      progress(results.length);
    }
    await requireClean(logs, 'after all were undone');
    return results;
  } finally {
    await logs.close();
  }
}, { shared_buffers: '64MB', fsync: 'off', synchronous_commit: 'off' });
