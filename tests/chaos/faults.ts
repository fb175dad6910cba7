import { setTimeout as pause } from 'node:timers/promises';
import { faultProxy, httpAnswer, statementAnswer } from '@millrace/testing';
import type { ChaosClient } from './client.ts';
import type { FaultName, PlannedFault } from './plan.ts';
import { standingsOf, urlOf } from './platform-view.ts';
import { hold, signal } from './processes.ts';
import { restoreOlderEvents, type Restored } from './restore-drill.ts';
import type { Rig, VolumeName } from './rig.ts';
import { until } from '../e2e/platform.ts';

/** A cycle as a fault sees it. */
export interface Scene {
  readonly rig: Rig;
  readonly client: ChaosClient;
  readonly tenant: string;
  /** Where the client posts instead of the supervised ingestion: the last that a fault has opened and not closed. */
  readonly detours: (readonly string[])[];
  /** Left by a fault that restored an older event database. */
  restored: Restored | undefined;
}

/** Strikes, and resolves once the fault is over as far as it ends by itself. Answers in a few words what happened. */
type Fault = (scene: Scene, plan: PlannedFault) => Promise<string>;

/** Leads the client elsewhere until the answer is called; detours of two faults may overlap. */
const detour = ({ detours }: Scene, urls: readonly string[]): (() => void) => {
  detours.push(urls);
  return () => {
    const at = detours.indexOf(urls);
    if (at >= 0) detours.splice(at, 1);
  };
};

const kill: Fault = async ({ rig }, { victim }) => {
  await rig.kill(victim!);
  return `kill -9 of ${victim}`;
};

/** A fault of its own and no victim of `kill`: the plans of seeds that were run would be other ones. */
const killWitness: Fault = async ({ rig }) => {
  await rig.kill('witness');
  return 'kill -9 of witness';
};

const freeze: Fault = async ({ rig }, { victim, lastsMs }) => {
  const pid = await rig.pidOf(victim!);
  signal(pid, 'SIGSTOP');
  await pause(lastsMs);
  signal(pid, 'SIGCONT');
  return `${victim} stood still for ${lastsMs} ms`;
};

/** A second relay takes over while the first stands still in whatever it was doing; then the first goes on where it was. */
const frozenRelay: Fault = async ({ rig, tenant, client }, { lastsMs }) => {
  const first = await rig.pidOf('backbone');
  const twin = await rig.twin('backbone');
  signal(first, 'SIGSTOP');
  try {
    const goal = client.acknowledged + 200;
    await hold('load beyond the frozen relay', () => client.acknowledged >= goal, 60_000).catch(() => undefined);
    await until('the second relay to go on alone', async () => ((await standingsOf({ home: rig.home, base: Number(new URL(twin.url).port) - 5 }, tenant)).some((log) => log.relayed > 0) ? true : undefined), 60_000);
    await pause(lastsMs);
  } finally {
    signal(first, 'SIGCONT');
  }
  await pause(lastsMs);
  return 'the first relay woke up behind a second one, both went on';
};

const twoRelays: Fault = async ({ rig }, { lastsMs }) => {
  await rig.twin('backbone');
  await pause(lastsMs);
  return 'two relays at once';
};

/** The event database commits, its answer never reaches ingestion: what it then tells the client must be the first position. */
const cutCommit: Fault = async (scene, { lastsMs }) => {
  const { rig } = scene;
  const proxy = await faultProxy({ port: rig.base + 11 });
  const twin = await rig.twin('ingestion', (env) => {
    const url = new URL(env['MILLRACE_EVENTS_URL']!);
    url.port = String(proxy.port);
    return { ...env, MILLRACE_EVENTS_URL: url.href };
  });
  const straight = detour(scene, [twin.url]);
  try {
    for (let round = 0; round < 3; round += 1) {
      const cuts = proxy.cuts;
      proxy.cut(statementAnswer('append'));
      await hold('an append whose answer is cut', () => proxy.cuts > cuts, 20_000);
      proxy.cut();
      await pause(lastsMs / 4);
    }
  } finally {
    straight();
    await rig.endTwin(twin);
    await proxy.close();
  }
  return `${proxy.cuts} answers of committed appends cut`;
};

/** The whole request is done, the client never hears: its retry must be answered with the first positions. */
const cutAnswer: Fault = async (scene, { lastsMs }) => {
  const proxy = await faultProxy({ port: Number(new URL(urlOf(scene.rig, 'ingestion')).port) });
  const straight = detour(scene, [`http://127.0.0.1:${proxy.port}`]);
  try {
    proxy.cut(httpAnswer('POST /v1/events'));
    await hold('answers that are cut', () => proxy.cuts >= 8, 30_000);
    proxy.cut();
    await pause(lastsMs / 4);
  } finally {
    straight();
    await proxy.close();
  }
  return `${proxy.cuts} answers cut on their way to the client`;
};

const olderBus: Fault = async ({ rig, client }, { lastsMs }) => {
  const copy = await rig.copyOf('nats');
  const goal = client.acknowledged + 300;
  await hold('load beyond the copy', () => client.acknowledged >= goal, 60_000).catch(() => undefined);
  await pause(lastsMs);
  await rig.restoreCopy('nats', copy);
  return 'JetStream store put back to an older copy';
};

const CLOCKS = ['ingestion', 'analytics', 'warehouse', 'backbone'] as const;

/** Every service starts again with its clock a day off, under load; it stays so until the next cycle. */
const clock: Fault = async ({ rig, client }, { offsetMs }) => {
  await rig.restart({ MILLRACE_CLOCK_OFFSET_MS: `drill:${offsetMs}` });
  for (const service of CLOCKS) {
    const shown = await (await fetch(`${urlOf(rig, service)}/live`)).json() as { clockOffsetMs?: number };
    if (shown.clockOffsetMs !== offsetMs) throw new Error(`${service} was to run ${offsetMs} ms off and says ${JSON.stringify(shown)}`);
  }
  const goal = client.acknowledged + 500;
  await hold('load under the moved clock', () => client.acknowledged >= goal, 120_000);
  return `services' clocks a day ${offsetMs! > 0 ? 'ahead' : 'behind'}`;
};

const olderEvents: Fault = async (scene) => {
  const { restored, detail } = await restoreOlderEvents(scene);
  scene.restored = restored;
  return detail;
};

/** A second intake is stopped in the middle of its appends and wakes when the log has another epoch: it may append nothing it knew before. */
const frozenThroughRecover: Fault = async (scene) => {
  const { rig, client } = scene;
  const twin = await rig.twin('ingestion');
  let straight = detour(scene, [twin.url]);
  try {
    const goal = client.acknowledged + 200;
    await hold('load through the second intake', () => client.acknowledged >= goal, 60_000);
    const { restored, detail } = await restoreOlderEvents(scene, async () => {
      await hold('a request in flight', () => client.inFlight > 0);
      signal(twin.pid, 'SIGSTOP');
      straight();
    });
    scene.restored = restored;
    const refused = client.refusedByEpoch;
    straight = detour(scene, [twin.url]);
    signal(twin.pid, 'SIGCONT');
    await hold('the woken intake to be refused by the new epoch', () => client.refusedByEpoch > refused, 60_000);
    const later = client.acknowledged + 200;
    await hold('it to go on under the new epoch', () => client.acknowledged >= later, 60_000);
    return `${detail}; the intake that slept through it was refused ${client.refusedByEpoch - refused} times, then went on`;
  } finally {
    straight();
    await rig.endTwin(twin);
  }
};

const powerCut = (names: readonly VolumeName[]): Fault => async ({ rig }) => {
  await rig.powerCut(names);
  return `power cut of ${names.join(' and ')}`;
};

/** Full until appends have failed for it. */
const diskFull: Fault = async ({ rig, client }, { lastsMs }) => {
  const volume = rig.volume('events');
  const lost = client.unanswered;
  await volume.fill();
  try {
    await hold('appends to fail on a full disk', () => client.unanswered > lost, 60_000);
    await pause(lastsMs);
  } finally {
    await volume.free();
  }
  return `event volume full; ${client.unanswered - lost} requests failed on it`;
};

export const FAULT_ACTIONS: Readonly<Record<FaultName, Fault>> = {
  kill, freeze, 'frozen-relay': frozenRelay, 'two-relays': twoRelays, 'cut-commit': cutCommit, 'cut-answer': cutAnswer,
  'older-bus': olderBus, clock, 'older-events': olderEvents, 'frozen-through-recover': frozenThroughRecover, 'kill-witness': killWitness,
  'power-cut-events': powerCut(['events']), 'power-cut-nats': powerCut(['nats']), 'power-cut-both': powerCut(['events', 'nats']), 'disk-full': diskFull,
};
