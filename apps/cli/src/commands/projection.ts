import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { DomainError } from '@millrace/kernel';
import { connectPlatform, type PlatformClient } from '../client/platform-client.ts';
import { ownerOf, PROJECTING, type BuildRow, type ProjectingService } from '../client/projections.ts';
import { alignedTable } from '../output/table.ts';
import { progressBar } from '../output/progress-bar.ts';
import { present } from '../output/terminal.ts';
import type { CommandContext, Register } from './command-context.ts';
import { untilInterrupted } from './interruption.ts';
import { parseCount } from './option-value.ts';

interface Side { readonly build: number; readonly version: number; readonly parked: number }
interface Difference {
  readonly table: string;
  readonly rows: { readonly active: number; readonly candidate: number };
  readonly onlyActive: number;
  readonly onlyCandidate: number;
  readonly changed: number;
  readonly first: readonly { readonly active: Readonly<Record<string, string | null>> | null; readonly candidate: Readonly<Record<string, string | null>> | null }[];
}
interface Report { readonly projection: string; readonly active: Side; readonly candidate: Side; readonly at: readonly { tenant: string; log: string; position: number }[]; readonly equal: boolean; readonly tables: readonly Difference[] }
interface Switched { readonly projection: string; readonly from: Omit<Side, 'parked'>; readonly to: Omit<Side, 'parked'> }

interface BuildOptions { readonly json?: boolean; readonly build?: number }

const POLL_MS = 500;
/** A comparison reads both builds whole. */
const DIFF_TIMEOUT_MS = 15 * 60_000;
const MOST = 1_000_000_000;

const path = (name: string, verb?: string): string => `/v1/projections/${encodeURIComponent(name)}${verb === undefined ? '' : `/${verb}`}`;

export const listTable = (rows: readonly (BuildRow & { readonly service: string })[]): string => alignedTable(
  ['service', 'projection', 'version', 'build', 'state', 'position', 'of', 'parked', 'note'],
  rows.map((row) => [row.service, row.projection, row.version, row.build, row.state, row.position, row.target, row.parked,
    row.trouble ?? (row.etaSeconds === undefined ? '' : `${row.eventsPerSecond} events/s, ${row.etaSeconds} s left`)]));

const rowLine = (row: Readonly<Record<string, string | null>> | null): string => (row === null ? '(no row)' : Object.entries(row).map(([name, value]) => `${name}=${value ?? 'null'}`).join(' '));

export const reportLines = ({ projection, active, candidate, at, equal, tables }: Report): string => [
  `${projection}: build ${candidate.build} (version ${candidate.version}) against build ${active.build} (version ${active.version}), which is active: ${equal ? 'equal' : 'DIFFERENT'}`,
  `at ${at.map(({ tenant, log, position }) => `${tenant} ${log}:${position}`).join(', ') || 'the beginning'}; parked ${active.parked} active, ${candidate.parked} candidate`,
  alignedTable(['table', 'rows active', 'rows candidate', 'only active', 'only candidate', 'changed'],
    tables.map((one) => [one.table, one.rows.active, one.rows.candidate, one.onlyActive, one.onlyCandidate, one.changed])),
  ...tables.flatMap(({ table, first }) => first.flatMap((row) => [`${table} active     ${rowLine(row.active)}`, `${table} candidate  ${rowLine(row.candidate)}`])),
].join('\n');

/** Follows a build until it is ready. Interrupting stops the watching, not the build. */
const watch = async (client: PlatformClient, service: ProjectingService, begun: BuildRow, context: CommandContext): Promise<BuildRow> => {
  const bar = progressBar(context.terminal.progress, 'rebuilding [{bar}] {percentage}% | {value}/{total} events | {rate} events/s | {left} left', 10);
  bar.start(Math.max(1, begun.target), 0, { rate: '–', left: '–' });
  try {
    return await untilInterrupted(async (signal) => {
      for (;;) {
        const { projections } = await client.call(service, '/v1/projections') as { projections: BuildRow[] };
        const row = projections.find(({ projection, build }) => projection === begun.projection && build === begun.build);
        if (!row) throw new DomainError('not-found', 'build-dropped', {}, `build ${begun.build} of ${begun.projection} was dropped`);
        bar.setTotal(Math.max(1, row.target));
        bar.update(row.position, { rate: row.eventsPerSecond ?? '–', left: row.etaSeconds === undefined ? '–' : `${row.etaSeconds} s` });
        if (row.state !== 'building' || signal.aborted) return row;
        if (row.trouble !== undefined) throw new DomainError('unavailable', 'build-in-trouble', {}, row.trouble);
        await wait(POLL_MS, undefined, { signal }).catch(() => undefined);
      }
    });
  } finally {
    bar.stop();
  }
};

const registerRebuild = (projection: Command, context: CommandContext, platform: () => PlatformClient): void => {
  projection.command('rebuild <name>').description('build it anew from the first event, beside the one that is read')
    .option('--code-version <n>', 'a version the code has; the newest when absent', parseCount('--code-version', 1, MOST)).option('--no-wait', 'do not wait until it is ready').option('--json', 'one JSON document')
    .action(async (name: string, { codeVersion: version, wait: waits, json }: { codeVersion?: number; wait: boolean; json?: boolean }) => {
      const client = platform();
      const service = await ownerOf(client, name);
      const begun = await client.call(service, path(name, 'rebuild'), { method: 'POST', body: version === undefined ? {} : { version } }) as BuildRow;
      const row = waits ? await watch(client, service, begun, context) : begun;
      present(context.terminal, json === true, { service, ...row }, () => `build ${row.build} of ${name} (version ${row.version}) is ${row.state}, ${row.position} of ${row.target} events${row.state === 'ready' ? `: compare with \`millrace projection diff ${name}\`` : ''}`);
    });
};

/** `--build` and `--json`, for what is done to one build of a projection. */
const withBuild = (command: Command): Command => command.option('--build <n>', 'which build; the newest that is not active when absent', parseCount('--build', 1, MOST)).option('--json', 'one JSON document');

export const registerProjection: Register = (program, context) => {
  const projection = program.command('projection').description('read models: their builds, beside each other');
  const platform = (): PlatformClient => connectPlatform(context.config.home);

  projection.command('list').description('every build, how far it is, and the time left').option('--json', 'one JSON document')
    .action(async ({ json }: { json?: boolean }) => {
      const client = platform();
      const projections = (await Promise.all(PROJECTING.map(async (service) => ((await client.call(service, '/v1/projections')) as { projections: BuildRow[] }).projections.map((row) => ({ service, ...row }))))).flat();
      present(context.terminal, json === true, { projections }, () => listTable(projections));
    });
  registerRebuild(projection, context, platform);
  withBuild(projection.command('diff <name>').description('compare a build with the active one after exactly the same events; exits 1 when they differ'))
    .action(async (name: string, { build, json }: BuildOptions) => {
      const client = platform();
      const report = await client.call(await ownerOf(client, name), path(name, 'diff'), { query: { build }, timeoutMs: DIFF_TIMEOUT_MS }) as Report;
      present(context.terminal, json === true, report, () => reportLines(report));
      if (!report.equal) context.fail();
    });
  withBuild(projection.command('switch <name>').description('reads move to the build, all at once; refused while it is behind'))
    .action(async (name: string, { build, json }: BuildOptions) => {
      const client = platform();
      const switched = await client.call(await ownerOf(client, name), path(name, 'switch'), { method: 'POST', body: build === undefined ? {} : { build } }) as Switched;
      present(context.terminal, json === true, switched, () => `${name} is read from build ${switched.to.build} (version ${switched.to.version}) now; build ${switched.from.build} is kept up until it is dropped`);
    });
  projection.command('drop <name>').description('remove a build that is not active').requiredOption('--build <n>', 'which build', parseCount('--build', 1, MOST)).option('--json', 'one JSON document')
    .action(async (name: string, { build, json }: { build: number; json?: boolean }) => {
      const client = platform();
      await client.call(await ownerOf(client, name), path(name, 'drop'), { method: 'POST', body: { build } });
      present(context.terminal, json === true, { projection: name, build, dropped: true }, () => `build ${build} of ${name} is gone`);
    });
};
