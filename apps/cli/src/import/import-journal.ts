import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What the intake answered for one event. */
export type Outcome =
  | { readonly outcome: 'accepted' | 'duplicate'; readonly log: string; readonly position: number }
  | { readonly outcome: 'rejected'; readonly pointer?: string; readonly code: string; readonly reason: string };

/** One line of a journal. */
export type JournalEntry = { readonly id: string } & Outcome;

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
  /** Ids known to be stored (accepted or duplicate). */
  readonly stored: Set<string>;
  private readonly file: FileHandle | undefined;
  private writing: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle | undefined, stored: Set<string>) {
    this.file = file;
    this.stored = stored;
  }

  /** Without a path nothing is remembered, and everything is sent. */
  static async open(path: string | undefined): Promise<ImportJournal> {
    if (path === undefined) return new ImportJournal(undefined, new Set());
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'a+', 0o600);
    try {
      return new ImportJournal(file, await storedIn(file));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Resolves once the entries are on disk; calls are written in their order. */
  async add(entries: readonly JournalEntry[]): Promise<void> {
    for (const { id, outcome } of entries) if (outcome !== 'rejected') this.stored.add(id);
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

const storedIn = async (file: FileHandle): Promise<Set<string>> => {
  const bytes = await file.readFile();
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end < bytes.length) await file.truncate(end);
  const stored = new Set<string>();
  for (const line of bytes.toString('utf8', 0, end).split('\n')) {
    const entry = line === '' ? undefined : parseEntry(line);
    if (entry !== undefined && entry.outcome !== 'rejected') stored.add(entry.id);
  }
  return stored;
};
