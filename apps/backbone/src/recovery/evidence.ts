import { LogStream, newestStreams, type BusLink } from '@millrace/event-bus';
import type { PgEventStore } from '@millrace/event-store';
import { logName, parseLogName, type Epoch, type LogHead, type LogKey, type Position, type Tenant } from '@millrace/kernel';
import { lastAgreement } from './agreement.rule.ts';
import type { ConsumerStanding, Standings } from './consumer-standing.ts';
import type { ConsumerEvidence, LogEvidence, StreamEvidence } from './log-evidence.model.ts';

const same = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean => a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
const keyOf = (log: LogKey): string => `${log.tenant} ${logName(log)}`;

/** Which logs somebody knows of: the database, the bus, a consumer. */
export interface LogFilter {
  readonly tenant?: Tenant;
  /** As in `sales/0`. */
  readonly log?: string;
}

interface Known { readonly log: LogKey; head?: LogHead; streamEpoch?: Epoch }

/** Gathers what all sides know of logs. Reads only. */
export class EvidenceCollector {
  constructor(private readonly store: PgEventStore, private readonly link: BusLink, private readonly askConsumers: () => Promise<Standings>) {}

  /** Logs by tenant and name, backbone's own first: what is done about the others is told there. */
  async collect(filter: LogFilter): Promise<LogEvidence[]> {
    const standings = await this.askConsumers();
    const known = await this.knownLogs(standings, filter);
    const evidence: LogEvidence[] = [];
    for (const each of known) evidence.push(await this.evidenceOf(each, standings));
    return evidence;
  }

  private async knownLogs(standings: Standings, { tenant, log: name }: LogFilter): Promise<Known[]> {
    const known = new Map<string, Known>();
    const note = (log: LogKey, what: Partial<Known>): void => { known.set(keyOf(log), { ...known.get(keyOf(log)), ...what, log: { tenant: log.tenant, context: log.context, shard: log.shard } }); };
    for (const head of await this.store.heads(tenant)) note(head, { head });
    for (const { log, epoch } of await newestStreams(this.link.connection())) note(log, { streamEpoch: epoch });
    for (const { tenant: owner, log } of [...standings.values()].flatMap((list) => list ?? [])) note(parseLogName(owner, log), {});
    const order = (log: LogKey): string => `${log.context === 'backbone' ? 0 : 1} ${keyOf(log)}`;
    return [...known.values()].filter(({ log }) => (tenant === undefined || log.tenant === tenant) && (name === undefined || logName(log) === name))
      .toSorted((a, b) => order(a.log).localeCompare(order(b.log)));
  }

  private async evidenceOf({ log, head, streamEpoch }: Known, standings: Standings): Promise<LogEvidence> {
    const stream = streamEpoch === undefined ? undefined : await LogStream.of(this.link.connection(), log, streamEpoch);
    const shown = stream && streamEpoch !== undefined ? await this.streamEvidence(log, stream, streamEpoch, head?.position ?? 0) : undefined;
    const consumers: ConsumerEvidence[] = [];
    for (const [name, list] of standings) {
      const standing = list?.find((one) => one.tenant === log.tenant && one.log === logName(log));
      if (standing) consumers.push(await this.consumerEvidence(log, name, standing, stream, shown));
    }
    return {
      log, head: head?.position ?? 0, consumers, silent: [...standings].filter(([, list]) => list === undefined).map(([name]) => name),
      recoveries: await this.store.epochs(log), ...(head ? { epoch: head.epoch } : {}), ...(shown ? { stream: shown } : {}),
    };
  }

  private async streamEvidence(log: LogKey, stream: LogStream, epoch: Epoch, head: Position): Promise<StreamEvidence | undefined> {
    const range = await stream.range();
    if (!range) return undefined;
    const agreesThrough = await lastAgreement(range.first, Math.min(range.last, head), async (position) =>
      same(await stream.leafAt(position), (await this.store.mark(log, position))?.leaf));
    return { epoch, ...range, agreesThrough };
  }

  private async consumerEvidence(log: LogKey, name: string, { epoch, position, leaf, state }: ConsumerStanding, stream: LogStream | undefined, shown: StreamEvidence | undefined): Promise<ConsumerEvidence> {
    const mark = leaf === undefined ? undefined : Buffer.from(leaf, 'hex');
    const agrees = mark !== undefined && position > 0 && same((await this.store.mark(log, position))?.leaf, mark);
    const kept = shown !== undefined && shown.epoch === epoch && position >= shown.first && position <= shown.last;
    return { name, epoch, position, state, agrees, onStream: mark !== undefined && kept && same(await stream?.leafAt(position), mark) };
  }
}
