import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { cp, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '@millrace/embedded';
import { freeBase, freshHome, removeHome, startPlatform, until, type Platform } from '../e2e/platform.ts';
import { LoopVolume } from './loop-volume.ts';
import { call, type Place } from './platform-view.ts';
import type { ProcessName } from './plan.ts';
import { commandOf, environmentOf, hold, isRunning, killAll, signal, workingIn } from './processes.ts';

interface SupervisorStatus { readonly ready: boolean; readonly services: readonly { readonly name: string; readonly pid: number | null; readonly healthy: boolean }[] }

export type VolumeName = 'events' | 'nats';
/** A loaded machine takes its time to start a process. */
const TWIN_READY_WITHIN_MS = 240_000;
const VOLUME_MB: Record<VolumeName, number> = { events: 1536, nats: 1024 };

/** A second process of a service, beside the supervised one. */
export interface Twin { readonly pid: number; readonly url: string }

/** The client's requests are smaller than what goes to threads usually: most of them shall. */
const USUAL = { MILLRACE_INTAKE_THREAD_BYTES: '4096' } as const;

/** A running platform over a throw-away home, and the means to hurt it. */
export class Rig implements Place {
  readonly base: number;
  private platform: Platform;
  private readonly twins = new Set<ChildProcess>();
  private readonly volumes = new Map<VolumeName, LoopVolume>();
  /** Environment the platform runs under now, beyond the ordinary. */
  private env: Readonly<Record<string, string>> = {};
  private restarting: Promise<void> = Promise.resolve();

  private constructor(readonly home: string, platform: Platform) {
    this.base = platform.base;
    this.platform = platform;
  }

  static async open(options: { readonly volumes: boolean }): Promise<Rig> {
    const home = await freshHome();
    const rig = new Rig(home, await startPlatform({ home, base: await freeBase(), env: USUAL }));
    if (options.volumes) await rig.moveToVolumes();
    return rig;
  }

  private async moveToVolumes(): Promise<void> {
    await this.platform.stop();
    await mkdir(join(this.home, 'volumes'));
    for (const name of ['events', 'nats'] as const) this.volumes.set(name, await LoopVolume.under(this.folderOf(name), join(this.home, 'volumes', `${name}.img`), VOLUME_MB[name]));
    this.platform = await startPlatform({ home: this.home, base: this.base, env: USUAL });
  }

  folderOf(name: VolumeName): string {
    return name === 'events' ? join(this.home, 'postgres', 'events') : join(this.home, 'nats', 'jetstream');
  }

  volume(name: VolumeName): LoopVolume {
    const volume = this.volumes.get(name);
    if (volume === undefined) throw new Error(`${name} lies on no volume of its own`);
    return volume;
  }

  get usualClock(): boolean {
    return Object.keys(this.env).length === 0;
  }

  async pidOf(name: ProcessName | 'witness'): Promise<number> {
    if (name === 'supervisor') return this.platform.pid;
    return until(`the process of ${name}`, async () => {
      const { services } = await call<SupervisorStatus>(this, 'supervisor', '/v1/status');
      return services.find((service) => service.name === name)?.pid ?? undefined;
    }, 240_000);
  }

  /** Everything answers as ready. */
  async ready(): Promise<void> {
    await until('the platform to be ready', async () => ((await call<SupervisorStatus>(this, 'supervisor', '/v1/status')).ready ? true : undefined), 240_000);
  }

  /** kill -9. The supervisor takes everything with it and is started again by us, as a service manager would. */
  async kill(name: ProcessName | 'witness'): Promise<void> {
    if (name === 'supervisor') return this.restart(this.env);
    signal(await this.pidOf(name), 'SIGKILL');
  }

  /** kill -9 of everything at once, then a new start, perhaps under another environment. Of two at once the second waits for the first. */
  restart(env: Readonly<Record<string, string>>): Promise<void> {
    const next = this.restarting.then(() => this.killAndStart(env));
    this.restarting = next.catch(() => undefined);
    return next;
  }

  private async killAndStart(env: Readonly<Record<string, string>>): Promise<void> {
    await this.platform.kill();
    this.env = env;
    this.platform = await startPlatform({ home: this.home, base: this.base, env: { ...USUAL, ...env } });
  }

  /** Runs `work` while the supervisor stands still, so that nothing it does is met by a restart before it is done. */
  async unsupervised(work: () => Promise<void>): Promise<void> {
    signal(this.platform.pid, 'SIGSTOP');
    try {
      await work();
    } finally {
      signal(this.platform.pid, 'SIGCONT');
    }
  }

  /** Every process of a server whose volume is about to change. */
  async serverPids(name: VolumeName): Promise<number[]> {
    return name === 'events' ? workingIn(this.folderOf('events')) : [await this.pidOf('nats')];
  }

  /** Pulls the plug of volumes under running servers, and finds them again as they were last synced. */
  async powerCut(names: readonly VolumeName[]): Promise<void> {
    const pids = (await Promise.all(names.map((name) => this.serverPids(name)))).flat();
    await this.unsupervised(async () => {
      for (const name of names) await this.volume(name).cutPower();
      await killAll(pids);
      await killAll(names.includes('events') ? workingIn(this.folderOf('events')) : []);
      for (const name of names) await this.volume(name).powerOn();
    });
  }

  /** Kills a server and copies its folder as the kill left it; `taken` is called before it starts again. */
  async copyOf(name: VolumeName, taken: () => void = () => undefined): Promise<string> {
    const copy = join(this.home, 'volumes', `${name}-copy`);
    await rm(copy, { recursive: true, force: true });
    const pids = await this.serverPids(name);
    await this.unsupervised(async () => {
      await killAll(pids);
      await cp(this.folderOf(name), copy, { recursive: true, preserveTimestamps: true });
      taken();
    });
    return copy;
  }

  /** Kills a server and puts an older copy in its folder's place; `restored` is called before it starts again. */
  async restoreCopy(name: VolumeName, copy: string, restored: () => void = () => undefined): Promise<void> {
    const pids = await this.serverPids(name);
    await this.unsupervised(async () => {
      await killAll(pids);
      // The folder itself may be where a volume is mounted.
      for (const entry of await readdir(this.folderOf(name))) await rm(join(this.folderOf(name), entry), { recursive: true });
      await cp(copy, this.folderOf(name), { recursive: true, preserveTimestamps: true });
      // A copy made by root is root's; the server may be somebody else's.
      const { uid, gid } = await stat(this.folderOf(name));
      await promisify(execFile)('chown', ['-R', `${uid}:${gid}`, this.folderOf(name)]);
      restored();
    });
  }

  /** A second process with the environment of the supervised one, listening elsewhere; `change` alters more of it. */
  async twin(name: ProcessName, change: (env: Record<string, string>) => Record<string, string> = (env) => env): Promise<Twin> {
    const pid = await this.pidOf(name);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const [command, ...args] = commandOf(pid);
    const log = openSync(join(this.home, 'logs', `${name}-second.log`), 'a');
    const child = spawn(command!, args, { env: change({ ...environmentOf(pid), MILLRACE_HTTP_PORT: String(port) }), stdio: ['ignore', log, log] });
    closeSync(log);
    this.twins.add(child);
    await until(`the second ${name} to be ready`, async () => ((await fetch(`${url}/ready`)).ok ? true : undefined), TWIN_READY_WITHIN_MS);
    return { pid: child.pid!, url };
  }

  /** Ends one second process. */
  async endTwin({ pid }: Twin): Promise<void> {
    await killAll([pid]);
    for (const twin of this.twins) if (twin.pid === pid) this.twins.delete(twin);
  }

  /** Ends every second process, at once. */
  async endTwins(): Promise<void> {
    for (const twin of this.twins) if (twin.pid !== undefined) await killAll([twin.pid]);
    this.twins.clear();
  }

  async close(): Promise<void> {
    await this.endTwins();
    await this.platform.kill();
    await hold('nobody to work in the home', () => workingIn(this.folderOf('events')).every((pid) => !isRunning(pid)));
    for (const volume of this.volumes.values()) await volume.remove();
    await removeHome(this.home);
  }

  /** Ends the processes and leaves every file, for whoever must find out what went wrong. */
  async abandon(): Promise<void> {
    await this.endTwins();
    await this.platform.kill();
  }
}
