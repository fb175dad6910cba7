import { setTimeout as pause } from 'node:timers/promises';
import { DomainError } from '@millrace/kernel';
import type { Home } from '../home/home.ts';
import { readIfThere } from '../home/private-file.ts';
import type { ServiceStatus, SupervisorStatus } from './endpoint.ts';
import { forgetProcesses, recordProcesses } from './leftover.ts';
import { lastLine } from './log-rotation.ts';
import { SupervisedPart, type Part, type Report } from './part.ts';
import { parentsNow, pssBytesOf, treeOf } from './process-tree.ts';
import { RESTART_POLICY } from './restart-policy.ts';

/** A loaded two-core machine needs half a minute at its first start; after this, something is wrong. */
const READY_WITHIN_MS = 240_000;
/** A service that ends this often before it was ready even once, with pauses of six seconds in between, has a fault that waiting doesn't cure. */
const DEATHS_BEFORE_GIVING_UP = 6;

/** The supervised parts in the order they were started, which is the reverse of the order they are drained in. */
export class Platform {
  private readonly home: Home;
  private readonly tell: Report;
  /** Tells, and notes the processes anew. */
  private readonly report: Report;
  private recordFailure: string | undefined;
  private readonly parts: SupervisedPart[] = [];
  private readonly url: string;
  private stopRequested = false;
  /** All parts have been healthy once; before, the platform is not ready however healthy those are that run. */
  private complete = false;

  constructor(home: Home, url: string, report: Report) {
    this.home = home;
    this.url = url;
    this.tell = report;
    this.report = (part, message) => {
      report(part, message);
      this.record();
    };
  }

  /** Starts these side by side and waits until all are healthy. Throws with the first reason why not. */
  async bringUp(parts: readonly Part[]): Promise<void> {
    const added = parts.map((part) => new SupervisedPart(part, RESTART_POLICY, this.report));
    this.refuseWhenStopping();
    this.parts.push(...added);
    const started = await Promise.allSettled(added.map((part) => part.start()));
    this.record();
    const failed = started.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    await this.untilHealthy(added);
  }

  markComplete(): void {
    this.complete = true;
  }

  requestStop(): void {
    this.stopRequested = true;
  }

  /** Drains in reverse order of starting, one after the other: producers before what they write to. */
  async stop(): Promise<void> {
    this.stopRequested = true;
    for (const part of this.parts) part.letEnd();
    for (const part of this.parts.toReversed()) await part.stop();
    forgetProcesses(this.home);
  }

  async status(): Promise<SupervisorStatus> {
    const parents = parentsNow();
    const services = await Promise.all(this.parts.map((part) => this.statusOf(part, parents)));
    services.push(this.ownStatus(parents));
    return { ready: this.complete && services.every((service) => service.healthy), services };
  }

  private async statusOf(part: SupervisedPart, parents: ReadonlyMap<number, number>): Promise<ServiceStatus> {
    const { pid } = part;
    const { name, url } = part.part;
    const pssBytes = pid === undefined ? 0 : pssBytesOf(treeOf(pid, parents));
    return { name, url, healthy: await part.part.healthy(), pssBytes, pid: pid ?? null, restarts: part.restarts };
  }

  private ownStatus(parents: ReadonlyMap<number, number>): ServiceStatus {
    const managed = new Set(this.parts.map((part) => part.pid).filter((pid) => pid !== undefined));
    return { name: 'supervisor', url: this.url, healthy: true, pssBytes: pssBytesOf(treeOf(process.pid, parents, managed)), pid: process.pid, restarts: 0 };
  }

  private async untilHealthy(parts: readonly SupervisedPart[]): Promise<void> {
    const deadline = Date.now() + READY_WITHIN_MS;
    let waiting = [...parts];
    while (waiting.length > 0) {
      this.refuseWhenStopping();
      const healthy = await Promise.all(waiting.map((part) => part.part.healthy()));
      waiting = waiting.filter((_, index) => healthy[index] !== true);
      const hopeless = waiting.find((part) => part.deaths >= DEATHS_BEFORE_GIVING_UP || Date.now() > deadline);
      if (hopeless !== undefined) throw this.notStarted(hopeless);
      if (waiting.length > 0) await pause(100);
    }
  }

  private notStarted(part: SupervisedPart): DomainError {
    const { name } = part.part;
    const log = this.home.path('logs', `${name}.log`);
    const said = lastLine(readIfThere(log) ?? '');
    const how = part.deaths > 0 ? `ended ${part.deaths} times` : 'did not get ready';
    return new DomainError('unavailable', 'service-not-started', { name }, `${name} ${how}${said === '' ? '' : `; it last said: ${said}`} (see ${log})`);
  }

  private refuseWhenStopping(): void {
    if (this.stopRequested) throw new DomainError('unavailable', 'stopped-while-starting', {}, 'stopped while starting');
  }

  /** Told about, never thrown: where the record can't be written the next start finds less to end, which is no reason to end now. */
  private record(): void {
    try {
      recordProcesses(this.home, this.parts.map((part) => part.pid).filter((pid) => pid !== undefined));
    } catch (error) {
      const failure = `could not note the running processes: ${(error as Error).message}`;
      if (failure !== this.recordFailure) this.tell('supervisor', failure);
      this.recordFailure = failure;
    }
  }
}
