import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { violationsOf } from './checker.ts';
import { ChaosClient } from './client.ts';
import { ClientJournal, readAttempts } from './client-journal.ts';
import { FAULT_ACTIONS, type Scene } from './faults.ts';
import { isClients, type History, type Violation } from './history.ts';
import { ledgerOf } from './ledger-view.ts';
import type { CyclePlan, PlannedFault } from './plan.ts';
import { accountingOf, call, lakeOf, metricsOf, readBus, readLogs, settled, standingsOf, urlOf, warehouseOf } from './platform-view.ts';
import { hold } from './processes.ts';
import type { CycleResult, StruckFault } from './results.ts';
import type { Rig } from './rig.ts';

const SOURCE = 'chaos';
const STRIKE_WITHIN_MS = 240_000;

const sourceKey = async (rig: Rig, tenant: string): Promise<string> =>
  (await call<{ key: string }>(rig, 'ingestion', '/v1/sources', { tenant, name: SOURCE, recordOf: ['sales', 'customer'] })).key;

/** The fault at its moment: so many acknowledged, a pause, and at least one request under way. */
const strike = async (scene: Scene, plan: PlannedFault): Promise<StruckFault> => {
  const { client } = scene;
  const act = FAULT_ACTIONS[plan.name];
  await hold(`${plan.afterAcknowledged} acknowledged events`, () => client.acknowledged >= plan.afterAcknowledged, STRIKE_WITHIN_MS);
  await pause(plan.delayMs);
  await hold('a request in flight', () => client.inFlight > 0);
  const { inFlight } = client;
  const detail = await act(scene, plan);
  return { name: plan.name, ...(plan.victim === undefined ? {} : { victim: plan.victim }), afterAcknowledged: plan.afterAcknowledged, inFlight, detail };
};

/** Keeps the epochs that the client knows up to date while services come and go. */
const watchEpochs = (rig: Rig, tenant: string): { epochs: () => Record<string, number>; end: () => void } => {
  let known: Record<string, number> = {};
  const look = async (): Promise<void> => { known = Object.fromEntries((await standingsOf(rig, tenant)).map(({ log, epoch }) => [log, epoch])); };
  const timer = setInterval(() => void look().catch(() => undefined), 500);
  return { epochs: () => known, end: () => clearInterval(timer) };
};

export interface Run {
  readonly struck: readonly StruckFault[];
  readonly client: ChaosClient;
  readonly journal: string;
  /** Of a cycle that restored an older event database. */
  readonly restored: History['restored'];
}

/** The load of a cycle with its faults in the middle; resolves when every event is acknowledged and every fault over. */
export const runLoad = async (rig: Rig, plan: CyclePlan): Promise<Run> => {
  const { tenant } = plan;
  const journal = join(rig.home, `${tenant}.journal.jsonl`);
  const written = await ClientJournal.open(journal);
  const epochs = watchEpochs(rig, tenant);
  let faultsOver = false;
  const scene: { -readonly [K in keyof Scene]: Scene[K] } = { rig, tenant, detours: [], restored: undefined, client: undefined as never };
  scene.client = new ChaosClient({ plan, journal: written, sourceKey: await sourceKey(rig, tenant), intakes: () => scene.detours.at(-1) ?? [urlOf(rig, 'ingestion')], epochs: epochs.epochs, mayEnd: () => faultsOver });
  try {
    const striking = Promise.all(plan.faults.map((fault) => strike(scene, fault))).finally(() => { faultsOver = true; });
    striking.catch((error: Error) => scene.client.giveUp(error));
    // Whichever fails, the other has ended before the journal is closed under it.
    const [struck, load] = await Promise.allSettled([striking, scene.client.run()]);
    if (struck.status === 'rejected') throw struck.reason;
    if (load.status === 'rejected') throw load.reason;
    return { struck: struck.value, client: scene.client, journal, restored: scene.restored };
  } finally {
    epochs.end();
    await written.close();
    await rig.endTwins();
  }
};

/** All that the platform shows of a tenant once it has come to rest, beside what the client wrote down. */
export const recordHistory = async (rig: Rig, tenant: string, { journal, restored }: Pick<Run, 'journal' | 'restored'>): Promise<History> => {
  const standings = await settled(rig, tenant);
  // At rest nothing changes any more: what is read may be read at once.
  const [attempts, logs, bus, accounting, metrics, warehouse, lake, ledger] = await Promise.all([
    readAttempts(journal), readLogs(rig, tenant, standings.map(({ log }) => log)), readBus(rig, tenant, standings), accountingOf(rig, tenant, SOURCE),
    metricsOf(rig, tenant), warehouseOf(rig, tenant), lakeOf(rig, tenant, standings.filter(({ log }) => isClients(log))), ledgerOf(rig, tenant, standings, [...new Set(Object.values(restored ?? {}).map(({ previousEpoch }) => previousEpoch))]),
  ]);
  return { tenant, source: SOURCE, attempts, logs, bus, accounting, metrics, warehouse, lake, ledger, ...(restored === undefined ? {} : { restored }) };
};

/** What a log held when its cycle ended: the same must be there when the home is given up. */
export const digestOf = (logs: History['logs']): string => {
  const hash = createHash('sha256');
  for (const [log, events] of Object.entries(logs).toSorted(([a], [b]) => a.localeCompare(b))) for (const { id, position, leaf, streamVersion } of events) hash.update(`${log} ${position} ${id} ${streamVersion} ${leaf}\n`);
  return hash.digest('hex');
};

const grouped = (violations: readonly Violation[]): CycleResult['violations'] => {
  const groups: Record<string, { times: number; first: string }> = {};
  for (const { rule, what } of violations) groups[rule] = { times: (groups[rule]?.times ?? 0) + 1, first: groups[rule]?.first ?? what };
  return groups;
};

export interface FinishedCycle { readonly result: CycleResult; readonly history: History | undefined }

/** One cycle, from its first request to the verdict. A platform that does not come to rest is a verdict too. */
export const runCycle = async (rig: Rig, plan: CyclePlan, commit: string): Promise<FinishedCycle> => {
  const begun = performance.now();
  const run = await runLoad(rig, plan);
  const { struck, client } = run;
  let history: History | undefined;
  let violations: Violation[];
  try {
    history = await recordHistory(rig, plan.tenant, run);
    violations = violationsOf(history);
  } catch (error) {
    violations = [{ rule: 'comes-to-rest', what: (error as Error).message }];
  }
  const groups = grouped(violations);
  const { acknowledged, unanswered, retriedEvents, refusedByEpoch } = client;
  return {
    history,
    result: {
      commit, at: new Date().toISOString(), seed: plan.seed, cycle: plan.cycle, faults: struck, acknowledged, unanswered, retriedEvents, refusedByEpoch,
      stored: Object.values(history?.logs ?? {}).reduce((sum, events) => sum + events.length, 0), landed: struck.every(({ inFlight }) => inFlight > 0),
      lost: groups['acknowledged-is-stored']?.times ?? 0, doubled: groups['stored-once']?.times ?? 0, violations: groups, seconds: Math.round((performance.now() - begun) / 100) / 10,
    },
  };
};
