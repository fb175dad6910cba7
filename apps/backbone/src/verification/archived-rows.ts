import type { LedgerRow, PgEventStore } from '@millrace/event-store';
import { isDomainError, type LogKey, type StoredEvent } from '@millrace/kernel';
import type { Finding } from './finding.ts';

/** Rows with the bodies that stand in segments put back; what can't be read is told, and its row left as it is. */
export interface WholeRows {
  readonly rows: readonly LedgerRow[];
  readonly findings: readonly Finding[];
  /** Positions whose body was not to be had. */
  readonly unreadable: ReadonlySet<number>;
}

/** Faults of a whole file: no row of it can be had. */
const OF_A_FILE: readonly string[] = ['segment-altered', 'segment-truncated', 'segment-missing', 'segments-not-configured', 'event-store-unavailable'];

type Reader = Pick<PgEventStore, 'read'>;

const isArchived = ({ envelope, data, salt }: LedgerRow): boolean => !envelope && !data && !salt;

const readAll = async (events: Reader, log: LogKey, first: number, last: number): Promise<StoredEvent[]> => {
  const read: StoredEvent[] = [];
  for (let after = first - 1; after < last;) {
    const page = await events.read(log, after, last - after);
    read.push(...page);
    const reached = page.at(-1)?.position;
    if (reached === undefined) break;
    after = reached;
  }
  return read;
};

/** One row that contradicts its segment spoils the page it is read with: then each is read alone. A file that is gone spoils all. */
const readOneByOne = async (events: Reader, log: LogKey, rows: readonly LedgerRow[]): Promise<{ read: StoredEvent[]; findings: Finding[] }> => {
  const [read, findings] = [[] as StoredEvent[], [] as Finding[]];
  for (const { position } of rows) {
    try {
      read.push(...await readAll(events, log, position, position));
    } catch (error) {
      findings.push({ kind: 'altered', position, what: error instanceof Error ? error.message : 'its segment can not be read' });
    }
  }
  return { read, findings };
};

/** Fills archived rows of a page from their segments, through the same reading that everybody uses. */
export const wholeRows = async (events: Reader, log: LogKey, rows: readonly LedgerRow[]): Promise<WholeRows> => {
  const archived = rows.filter(isArchived);
  const [first, last] = [archived[0]?.position, archived.at(-1)?.position];
  if (first === undefined || last === undefined) return { rows, findings: [], unreadable: new Set() };
  let [read, findings]: [StoredEvent[], Finding[]] = [[], []];
  try {
    read = await readAll(events, log, first, last);
  } catch (error) {
    if (isDomainError(error) && OF_A_FILE.includes(error.code)) findings = [{ kind: 'altered', position: first, ...(last > first ? { through: last } : {}), what: error.message }];
    else ({ read, findings } = await readOneByOne(events, log, archived));
  }
  const bodies = new Map(read.map((event) => [event.position, event]));
  const filled = rows.map((row) => {
    const body = isArchived(row) ? bodies.get(row.position) : undefined;
    return body === undefined ? row : { ...row, envelope: body.envelopeBytes, data: body.data, salt: body.salt };
  });
  return { rows: filled, findings, unreadable: new Set(archived.map(({ position }) => position).filter((position) => !bodies.has(position))) };
};
