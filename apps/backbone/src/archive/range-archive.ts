import type { FactLog } from '@millrace/event-sourcing';
import type { PgEventStore } from '@millrace/event-store';
import { logName, type LogKey, type Position } from '@millrace/kernel';

export interface ArchiveWish {
  readonly log: LogKey;
  readonly through: Position;
  readonly segmentEvents?: number;
}

/** Where a log's archive stands after a step. */
export interface ArchiveStep {
  readonly tenant: string;
  readonly log: string;
  readonly archivedThrough: Position;
  /** Nothing beyond it may be archived: there the last cosigned checkpoint ends. */
  readonly provenThrough: Position;
  readonly head: Position;
  /** What this step archived; absent when there was nothing left to do. */
  readonly segment?: { readonly from: Position; readonly to: Position; readonly sha256: string; readonly bytes: number };
  readonly done: boolean;
}

/** Archives a log segment by segment, one at a time in this process; a second process is refused by the manifest's own order. */
export class RangeArchive {
  private running: Promise<unknown> = Promise.resolve();

  constructor(private readonly store: PgEventStore, private readonly facts: FactLog) {}

  /**
   * One step: finishes the segment an earlier run was interrupted in, or makes the next. The fact is told once the manifest names the
   * segment and before its rows are thinned, so that a run taken up again tells what was left untold; a repetition is stored once.
   */
  step(wish: ArchiveWish): Promise<ArchiveStep> {
    const step = this.running.then(() => this.run(wish));
    this.running = step.catch(() => undefined);
    return step;
  }

  private async run({ log, through, segmentEvents }: ArchiveWish): Promise<ArchiveStep> {
    const archive = this.store.archive();
    const segment = await archive.unfinished(log) ?? await archive.next(log, { through, segmentEvents });
    if (segment === undefined) await archive.collectOrphans();
    else {
      const { from, to, sha256, bytes } = segment;
      await this.facts.record({ tenant: log.tenant, id: `archived/${logName(log)}/${from}-${to}/${sha256}`, contract: 'backbone.range.archived', data: { context: log.context, shard: log.shard, from, to, sha256, bytes } });
      await archive.thin(segment);
    }
    const standing = await archive.standing(log);
    return {
      tenant: log.tenant, log: logName(log), ...standing, done: segment === undefined || standing.archivedThrough >= through,
      ...(segment === undefined ? {} : { segment: { from: segment.from, to: segment.to, sha256: segment.sha256, bytes: segment.bytes } }),
    };
  }
}
