import { newestContract, type PastEvent } from '@millrace/contracts';
import { isRedacted, logName, type LogHead, type LogReader, type StoredEvent } from '@millrace/kernel';

/** How much of the past is looked at. */
export interface SampleRequest {
  /** Newest events of each type and log. */
  readonly perType: number;
  /** Milliseconds since 1970 after which no further page is read. */
  readonly untilMs: number;
  readonly now: () => number;
}

export interface SampledEvent extends PastEvent {
  readonly log: string;
  readonly position: number;
}

const PAGE = 500;
/** A rare type stands far behind the head: this many events are looked back for each one wanted, so that a log's cost has a bound. */
const LOOK_BACK = 100;

const utf8 = new TextDecoder('utf-8', { fatal: true });

const parsed = (data: Uint8Array): unknown => {
  try {
    return JSON.parse(utf8.decode(data));
  } catch {
    return undefined; // fits no contract, and is reported so
  }
};

const pastOf = ({ log, position, envelope: { type, version }, data }: StoredEvent): SampledEvent => ({ log: logName(log), position, type, version, data: parsed(data) });

/** Positions (from, to] in one go: a page may end early when its data is large. */
const window = async (reader: LogReader, log: LogHead, from: number, to: number): Promise<StoredEvent[]> => {
  const events: StoredEvent[] = [];
  for (let after = from; after < to;) {
    const page = await reader.read(log, after, to - after);
    if (page.length === 0) break;
    events.push(...page);
    after = page.at(-1)!.position;
  }
  return events;
};

/**
 * The newest events of every type of the vocabulary, log by log, backwards from the head. Bounded: at most a hundred events are looked at for
 * each one wanted of a log, and none after `untilMs`; what a log holds further back is not seen. Errors: the reader's.
 */
export async function* samplePast(reader: LogReader, request: SampleRequest): AsyncGenerator<SampledEvent> {
  for (const head of await reader.heads()) {
    const seen = new Map<string, number>();
    const floor = Math.max(0, head.position - request.perType * LOOK_BACK);
    for (let to = head.position; to > floor && request.now() < request.untilMs; to -= PAGE) {
      for (const event of (await window(reader, head, Math.max(floor, to - PAGE), to)).toReversed()) {
        const { type, version } = event.envelope;
        const name = `${type}@${version}`;
        const count = seen.get(name) ?? 0;
        // What is left of a redacted event fits no contract, and need not.
        if (count >= request.perType || isRedacted(event) || newestContract(type) === undefined) continue;
        seen.set(name, count + 1);
        yield pastOf(event);
      }
    }
  }
}
