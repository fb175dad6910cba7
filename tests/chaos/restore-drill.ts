import { millrace, until } from '../e2e/platform.ts';
import type { ChaosClient } from './client.ts';
import { isClients, type History } from './history.ts';
import { call, consumersOf, standingsOf } from './platform-view.ts';
import { hold } from './processes.ts';
import type { Rig } from './rig.ts';

/** What one consumer has of a log, as `millrace recover` tells it. */
interface ExplainedConsumer { readonly name: string; readonly position: number; readonly state: string; readonly agreesThrough: number; readonly loses?: { readonly from: number; readonly to: number } }
export interface ExplainedLog {
  readonly log: string;
  readonly state: string;
  readonly agreesThrough: number;
  readonly previousHead: number;
  readonly reasons: readonly string[];
  readonly silent: readonly string[];
  readonly consumers: readonly ExplainedConsumer[];
}
interface Renewed { readonly log: string; readonly epoch: number; readonly previousEpoch: number }

export interface Drilled { readonly rig: Rig; readonly client: ChaosClient; readonly tenant: string }
export type Restored = NonNullable<History['restored']>;

const LOAD_BETWEEN = 300;
const DIVERGED_WITHIN_MS = 120_000;
/** Under load nobody stands at a head for long: the command mends at once and need not wait until all have followed. */
const FOLLOW_WAIT = '5s';

/**
 * What is ahead of the database and does not stand still yet, in words; empty when all that is ahead has stopped. A consumer that
 * was behind the copy is not ahead: it follows the restored log.
 */
export const stillRunning = (logs: readonly ExplainedLog[], relays: readonly { readonly log: string; readonly state: string }[], consumers: Readonly<Record<string, readonly { readonly log: string; readonly state: string }[]>>): string[] =>
  logs.filter(({ agreesThrough, previousHead }) => previousHead > agreesThrough).flatMap(({ log, state, consumers: told }) => [
    ...(state === 'diverged' ? [] : [`${log} is ${state}`]),
    ...(relays.find((relay) => relay.log === log)?.state === 'diverged' ? [] : [`the relay of ${log}`]),
    ...told.filter(({ position, agreesThrough }) => position > agreesThrough).filter(({ name }) => consumers[name]?.find((each) => each.log === log)?.state !== 'diverged').map(({ name }) => `${name} of ${log}`),
  ]);

const explained = async ({ rig, tenant }: Drilled): Promise<ExplainedLog[]> => (await call<{ logs: ExplainedLog[] }>(rig, 'backbone', `/v1/recovery?tenant=${tenant}`)).logs;

/**
 * Relay and consumers of every log have taken what the copy does not hold. What nobody but the client has seen when a database is put back is
 * lost without a trace on the platform's side, and there is nothing for `recover` to compare.
 */
const allAhead = async ({ rig, tenant }: Drilled): Promise<void> => {
  const copied = new Map((await standingsOf(rig, tenant)).filter(({ log }) => isClients(log)).map(({ log, head }) => [log, head]));
  await until('relay and consumers to be ahead of the copy', async () => {
    const relayed = (await standingsOf(rig, tenant)).filter(({ log, relayed: to }) => to > (copied.get(log) ?? Infinity));
    const [sales, all] = [await consumersOf(rig, 'analytics', tenant), await consumersOf(rig, 'warehouse', tenant)].map((consumers) => consumers.filter(({ log, position }) => position > (copied.get(log) ?? Infinity)));
    return relayed.length === copied.size && sales!.length === 1 && all!.length === copied.size ? true : undefined;
  }, DIVERGED_WITHIN_MS);
};

/** Everybody who has seen more than the older copy holds stands still as diverged. */
const allStopped = async (drilled: Drilled): Promise<void> => {
  let running: readonly string[] = [];
  await until('all that are ahead of the older copy to stop as diverged', async () => {
    const logs = await explained(drilled);
    const consumers = { analytics: await consumersOf(drilled.rig, 'analytics', drilled.tenant), warehouse: await consumersOf(drilled.rig, 'warehouse', drilled.tenant) };
    running = stillRunning(logs, await standingsOf(drilled.rig, drilled.tenant), consumers);
    return logs.some(({ state, silent }) => state === 'diverged' && silent.length === 0) && running.length === 0 ? true : undefined;
  }, DIVERGED_WITHIN_MS).catch((error: unknown) => { throw new Error(`not all that are ahead stopped: ${running.join(', ') || 'nothing has diverged'}`, { cause: error }); });
};

const recoverCommand = async <T>({ rig, tenant }: Drilled, ...options: string[]): Promise<T> => {
  const { stdout, stderr, code } = await millrace(rig.home, 'recover', '--tenant', tenant, ...options, '--json');
  if (stdout === '') throw new Error(`millrace recover ${options.join(' ')} exited ${code}: ${stderr.trim()}`);
  return JSON.parse(stdout) as T;
};

/** What a mended log kept of its past: what was acknowledged beyond it is lost, and `recover` has said so. */
export const keptOf = (plan: readonly ExplainedLog[], recovered: readonly Renewed[]): Restored => Object.fromEntries(recovered.map(({ log, epoch, previousEpoch }) => {
  const told = plan.find((each) => each.log === log);
  if (told?.state !== 'diverged' || told.reasons.length === 0) throw new Error(`${log} was mended, and the explanation before did not name it as diverged`);
  return [log, { epoch, previousEpoch, kept: told.agreesThrough }];
}));

/**
 * Puts an older copy of the event database under the running services while load goes on, waits until all that are ahead have stopped, lets
 * `millrace recover` explain and mend, and has the client send again what the explanation names as lost. `beforeRestore` runs in between.
 */
export const restoreOlderEvents = async (drilled: Drilled, beforeRestore: () => Promise<void> = () => Promise.resolve()): Promise<{ restored: Restored; detail: string }> => {
  const { rig, client } = drilled;
  await client.endConflicts();
  const copy = await rig.copyOf('events', () => { client.era = 'copied'; });
  const goal = client.acknowledged + LOAD_BETWEEN;
  await hold('load beyond the copy', () => client.acknowledged >= goal, 60_000);
  await allAhead(drilled);
  await beforeRestore();
  await rig.restoreCopy('events', copy, () => { client.era = 'restored'; });
  await allStopped(drilled);
  const { logs: plan } = await recoverCommand<{ logs: ExplainedLog[] }>(drilled);
  const { recovered } = await recoverCommand<{ recovered: Renewed[] }>(drilled, '--yes', '--reason', 'fault drill: an older copy was restored', '--wait', FOLLOW_WAIT);
  const restored = keptOf(plan, recovered);
  const again = await client.sendAgain(({ log = '', position = 0 }) => position > (restored[log]?.kept ?? Infinity));
  const told = plan.filter(({ log }) => log in restored).map(({ log, agreesThrough, previousHead }) => `${log} kept ${agreesThrough} of ${previousHead}`);
  return { restored, detail: `an older event database restored: ${told.join(', ')}; ${again} events sent again` };
};
