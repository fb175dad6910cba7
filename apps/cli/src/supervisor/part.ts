import { deathsAfter, restartDelayMs, type RestartPolicy } from './restart-policy.ts';

/** A process that runs. `exited` resolves with exit code or signal name; `stop` drains it and resolves once it is gone. */
export interface Running {
  readonly pid: number;
  readonly exited: Promise<number | string>;
  stop(): Promise<void>;
}

/** Something the supervisor keeps alive. A server run by somebody else has no `launch`. */
export interface Part {
  readonly name: string;
  readonly url: string | null;
  launch?(): Promise<Running>;
  healthy(): Promise<boolean>;
}

export type Report = (part: string, message: string) => void;

/** Keeps one part running: whenever it ends without having been asked to, it is started again after a growing pause. */
export class SupervisedPart {
  readonly part: Part;
  private readonly policy: RestartPolicy;
  private readonly report: Report;
  private running: Running | undefined;
  private startedAt = 0;
  private stopping = false;
  private wake: (() => void) | undefined;
  private loop: Promise<void> = Promise.resolve();
  /** Ends in a row; what the start gives up on. */
  deaths = 0;
  restarts = 0;

  constructor(part: Part, policy: RestartPolicy, report: Report) {
    this.part = part;
    this.policy = policy;
    this.report = report;
  }

  get pid(): number | undefined {
    return this.running?.pid;
  }

  /** Rejects when the very first launch fails; afterwards failures are met by restarts. */
  async start(): Promise<void> {
    if (this.part.launch === undefined) return;
    this.running = await this.part.launch();
    this.startedAt = Date.now();
    this.loop = this.keepRunning();
  }

  /** From now on its end is final: what goes down while the platform drains stays down. */
  letEnd(): void {
    this.stopping = true;
    this.wake?.();
  }

  async stop(): Promise<void> {
    this.letEnd();
    const { running } = this;
    await running?.stop();
    if (await running?.exited === 'SIGKILL') this.report(this.part.name, 'did not drain in time and was killed; what it had not finished is done at the next start');
    await this.loop;
  }

  private async keepRunning(): Promise<void> {
    while (!this.stopping) {
      const end = await this.endOfRun();
      if (this.stopping) return;
      this.deaths = deathsAfter(this.policy, this.deaths, Date.now() - this.startedAt);
      const pauseMs = restartDelayMs(this.policy, this.deaths);
      this.report(this.part.name, `ended (${end}); starting it again in ${pauseMs / 1000} s`);
      await this.pause(pauseMs);
    }
  }

  /** Launches if nothing runs, then waits for the end; a launch that fails counts as an end. */
  private async endOfRun(): Promise<string> {
    try {
      if (this.running === undefined) await this.relaunch();
      const end = await this.running?.exited;
      return typeof end === 'string' ? end : `exit code ${end}`;
    } catch (error) {
      return (error as Error).message.split('\n')[0] ?? 'failed';
    } finally {
      this.running = undefined;
    }
  }

  private async relaunch(): Promise<void> {
    this.startedAt = Date.now();
    const next = await this.part.launch?.();
    this.running = next;
    this.restarts += 1;
    this.report(this.part.name, `started again (process ${next?.pid})`);
    if (this.stopping) await next?.stop();
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => { clearTimeout(timer); resolve(); };
      if (this.stopping) this.wake();
    });
  }
}
