import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What the intake answered for one event. */
export type Outcome =
  | { readonly outcome: 'accepted' | 'duplicate'; readonly log: string; readonly position: number }
  | { readonly outcome: 'rejected'; readonly pointer?: string; readonly code: string; readonly reason: string };

/** What an event was when it was stored, and in which life of its log; a line of an older build has neither. */
interface Standing {
  readonly digest?: string;
  /** Absent when nobody told the log's epoch. */
  readonly epoch?: number;
}

/** One line of a journal. */
export type JournalEntry = { readonly id: string } & Outcome & Standing;

/** Where the logs of a tenant stand, by name. */
export type LogHeads = ReadonlyMap<string, { readonly epoch: number; readonly head: number }>;

type StoredEntry = Exclude<JournalEntry, { outcome: 'rejected' }>;

const parseEntry = (line: string): JournalEntry | undefined => {
  try {
    return JSON.parse(line) as JournalEntry;
  } catch {
    return undefined; // only a torn write can leave one: its events are sent again and come back as duplicates
  }
};

/**
 * The client's own record of what was acknowledged: one JSON line per event, fsynced per batch, so that what it says was answered
 * is known after any crash. A line torn by a crash is cut off when the journal is opened again.
 */
export class ImportJournal {
  /** What is known to be stored (accepted or duplicate), by id; of several lines the last. */
  readonly stored: Map<string, StoredEntry>;
  private readonly file: FileHandle | undefined;
  private writing: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle | undefined, stored: Map<string, StoredEntry>) {
    this.file = file;
    this.stored = stored;
  }

  /** Without a path nothing is remembered, and everything is sent. */
  static async open(path: string | undefined): Promise<ImportJournal> {
    if (path === undefined) return new ImportJournal(undefined, new Map());
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'a+', 0o600);
    try {
      return new ImportJournal(file, await storedIn(file));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * Whether an event of this content is known to stand in its log. False means no more than that the intake must be asked: the content
   * changed, the log was restored or renewed since, or the line doesn't say.
   */
  holds(id: string, digest: string, heads: LogHeads): boolean {
    const entry = this.stored.get(id);
    const log = entry && heads.get(entry.log);
    return entry !== undefined && log !== undefined && entry.digest === digest && entry.epoch === log.epoch && entry.position <= log.head;
  }

  /** Resolves once the entries are on disk; calls are written in their order. */
  async add(entries: readonly JournalEntry[]): Promise<void> {
    for (const entry of entries) if (entry.outcome !== 'rejected') this.stored.set(entry.id, entry);
    const { file } = this;
    if (file === undefined || entries.length === 0) return;
    const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    const write = async (): Promise<void> => {
      await file.appendFile(text);
      await file.datasync();
    };
    // A failed write fails every later one too: a journal with a hole would be a lie.
    await (this.writing = this.writing.then(write));
  }

  async close(): Promise<void> {
    await this.file?.close();
  }
}

const storedIn = async (file: FileHandle): Promise<Map<string, StoredEntry>> => {
  const bytes = await file.readFile();
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end < bytes.length) await file.truncate(end);
  const stored = new Map<string, StoredEntry>();
  for (const line of bytes.toString('utf8', 0, end).split('\n')) {
    const entry = line === '' ? undefined : parseEntry(line);
    if (entry !== undefined && entry.outcome !== 'rejected') stored.set(entry.id, entry);
  }
  return stored;
};
