import type { FactLog } from '@millrace/event-sourcing';
import type { PgEventStore, Segment } from '@millrace/event-store';
import { DomainError, logName, type LogKey, type Position, type Tenant } from '@millrace/kernel';

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

const shown = ({ from, to, sha256, bytes }: Segment): NonNullable<ArchiveStep['segment']> => ({ from, to, sha256, bytes });

/** How far the archive has followed a redaction. */
export interface RedactionStep {
  readonly tenant: string;
  readonly log: string;
  readonly position: Position;
  /** The event's body is back in its row, where it can be redacted. */
  readonly refilled: boolean;
  /** The segment written anew without the event's data; absent when none held it. */
  readonly segment?: ArchiveStep['segment'];
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
    return this.inTurn(() => this.run(wish));
  }

  /**
   * Before an archived event is redacted: puts its body back into its row. After it: takes the data out of its segment. Nothing for an event
   * that is not archived; asked again it changes nothing more. DomainError `event-unknown`.
   */
  follow(tenant: Tenant, eventId: string): Promise<RedactionStep> {
    return this.inTurn(() => this.runRedaction(tenant, eventId));
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const step = this.running.then(work);
    this.running = step.catch(() => undefined);
    return step;
  }

  private async runRedaction(tenant: Tenant, eventId: string): Promise<RedactionStep> {
    const [known] = await this.store.findEvents(tenant, [eventId]);
    if (known === undefined) throw new DomainError('not-found', 'event-unknown', {}, 'No event of this tenant has that id. Check id and tenant.');
    const { log, position } = known;
    const archive = this.store.archive();
    const refilled = await archive.refill(log, position);
    const segment = await archive.redact(log, position);
    if (segment !== undefined) await this.tell(segment);
    return { tenant, log: logName(log), position, refilled, ...(segment === undefined ? {} : { segment: shown(segment) }) };
  }

  private async tell({ log, from, to, sha256, bytes }: Segment): Promise<void> {
    await this.facts.record({ tenant: log.tenant, id: `archived/${logName(log)}/${from}-${to}/${sha256}`, contract: 'backbone.range.archived', data: { context: log.context, shard: log.shard, from, to, sha256, bytes } });
  }

  private async run({ log, through, segmentEvents }: ArchiveWish): Promise<ArchiveStep> {
    const archive = this.store.archive();
    const segment = await archive.unfinished(log) ?? await archive.next(log, { through, segmentEvents });
    if (segment === undefined) await archive.collectOrphans();
    else {
      await this.tell(segment);
      await archive.thin(segment);
    }
    const standing = await archive.standing(log);
    return {
      tenant: log.tenant, log: logName(log), ...standing, done: segment === undefined || standing.archivedThrough >= through,
      ...(segment === undefined ? {} : { segment: shown(segment) }),
    };
  }
}
