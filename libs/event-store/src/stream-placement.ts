import type { Context, Tenant } from '@millrace/kernel';
import type { Statements } from './database.ts';
import { domainErrorOf } from './failure.ts';

/** Where streams of a context go. `homes`: a shard per stream asked about; empty while there is one log. */
export interface Placement {
  readonly shards: number;
  readonly homes: readonly number[];
}

export type AskForPlaces = (tenant: Tenant, context: Context, streams: readonly string[]) => Promise<Placement>;

export const askForPlaces = (database: Statements): AskForPlaces => async (tenant, context, streams) => {
  const [row] = await database.run<{ shards: number; homes: number[] | null }>({ name: 'place-streams', text: 'SELECT shards, homes FROM millrace.place_streams($1, $2, $3)', values: [tenant, context, streams] });
  return { shards: row!.shards, homes: row!.homes ?? [] };
};

/** A call's streams, unit by unit, and what happens when each has its shard. Both are called at most once, and not while placing. */
interface PlacedCall {
  readonly streams: readonly string[];
  readonly placed: (homes: readonly number[]) => void;
  readonly failed: (error: unknown) => void;
}

/** How long a count of one goes unasked: a raise is meant to spread load soon, and until it is seen everything is as right as before. */
const COUNT_FRESH_MS = 1_000;

/** Homes of streams used lately, over all contexts of a store. */
export class StreamHomes {
  private readonly homes = new Map<string, number>();

  /** 100,000 streams take about 15 MB; beyond it the one unused for longest is asked about again. */
  constructor(private readonly maxStreams = 100_000) {}

  get(tenant: Tenant, stream: string): number | undefined {
    if (this.homes.size === 0) return undefined;
    const key = `${tenant} ${stream}`;
    const home = this.homes.get(key);
    if (home === undefined) return undefined;
    this.homes.delete(key);
    this.homes.set(key, home);
    return home;
  }

  set(tenant: Tenant, stream: string, shard: number): void {
    const key = `${tenant} ${stream}`;
    this.homes.delete(key);
    this.homes.set(key, shard);
    if (this.homes.size <= this.maxStreams) return;
    const [oldest] = this.homes.keys();
    if (oldest !== undefined) this.homes.delete(oldest);
  }
}

interface Busy {
  shard: number;
  units: number;
}

/**
 * Finds the shard of each stream of one tenant's context, in the order of calls. A stream with unanswered units keeps its shard whatever is
 * learnt meanwhile, so that its calls stay in order; else it goes where it is remembered or said to live. Nothing is looked up while there is
 * one log. A view that is out of date is no fault: the append is refused as `stream-in-other-log`, and `moved` is told.
 */
export class ContextPlacement {
  private shards: number | undefined;
  private readAt = 0;
  private asking = false;
  private readonly busy = new Map<string, Busy>();
  private readonly waiting: PlacedCall[] = [];

  constructor(private readonly tenant: Tenant, private readonly context: Context, private readonly homes: StreamHomes, private readonly ask: AskForPlaces, private readonly now: () => number = () => performance.now()) {}

  /** Calls `placed` at once when every stream's shard is known and nobody waits before; each stream counts as busy until `answered`. */
  place(call: PlacedCall): void {
    if (this.shards === 1 && this.now() - this.readAt > COUNT_FRESH_MS) void this.readCount();
    const homes = this.waiting.length > 0 ? undefined : this.homesOf(call.streams);
    if (homes !== undefined) return this.settle(call, homes);
    this.waiting.push(call);
    if (!this.asking) void this.askForWaiting();
  }

  /** A unit of the stream has its answer. */
  answered(stream: string): void {
    const busy = this.busy.get(stream);
    if (busy === undefined) return;
    busy.units -= 1;
    if (busy.units === 0) this.busy.delete(stream);
  }

  /** The stream lives in another log than the one its units were sent to; they are sent on. */
  moved(stream: string, shard: number): void {
    const busy = this.busy.get(stream);
    if (busy !== undefined) busy.shard = shard;
    this.homes.set(this.tenant, stream, shard);
  }

  private homeOf(stream: string): number | undefined {
    return this.busy.get(stream)?.shard ?? this.homes.get(this.tenant, stream) ?? (this.shards === 1 ? 0 : undefined);
  }

  private homesOf(streams: readonly string[], learnt?: ReadonlyMap<string, number>): number[] | undefined {
    const homes: number[] = [];
    for (const stream of streams) {
      const home = this.homeOf(stream) ?? learnt?.get(stream);
      if (home === undefined) return undefined;
      homes.push(home);
    }
    return homes;
  }

  private settle(call: PlacedCall, homes: readonly number[]): void {
    for (const [at, stream] of call.streams.entries()) {
      const busy = this.busy.get(stream);
      if (busy === undefined) this.busy.set(stream, { shard: homes[at]!, units: 1 });
      else busy.units += 1;
    }
    call.placed(homes);
  }

  /** Rounds of one question for all calls that wait; a failed question fails the calls it was asked for. */
  private async askForWaiting(): Promise<void> {
    this.asking = true;
    while (this.waiting.length > 0) {
      const round = this.waiting.length;
      try {
        const learnt = await this.learn([...new Set(this.waiting.flatMap(({ streams }) => streams).filter((stream) => this.homeOf(stream) === undefined))]);
        this.settleWaiting(learnt);
      } catch (error) {
        for (const call of this.waiting.splice(0, round)) call.failed(domainErrorOf(error));
      }
    }
    this.asking = false;
  }

  /** In order, up to the first call for which something known when it was asked for is known no more: the next round asks for that too. */
  private settleWaiting(learnt: ReadonlyMap<string, number>): void {
    for (let [call] = this.waiting; call !== undefined; [call] = this.waiting) {
      const homes = this.homesOf(call.streams, learnt);
      if (homes === undefined) return;
      this.waiting.shift();
      this.settle(call, homes);
    }
  }

  private async learn(streams: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const { shards, homes } = await this.ask(this.tenant, this.context, streams);
    this.shards = shards;
    this.readAt = this.now();
    const learnt = new Map(streams.map((stream, at) => [stream, homes[at] ?? 0]));
    if (shards > 1) for (const [stream, shard] of learnt) this.homes.set(this.tenant, stream, shard);
    return learnt;
  }

  private async readCount(): Promise<void> {
    this.readAt = this.now();
    try {
      await this.learn([]);
    } catch {
      // The append that goes on beside this meets the same outage and tells its caller; an old count is no less right.
    }
  }
}
