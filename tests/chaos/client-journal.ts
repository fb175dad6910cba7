import { open, readFile, type FileHandle } from 'node:fs/promises';
import type { Answer, Attempt, Purpose, SentEvent } from './history.ts';

type SentLine = { readonly kind: 'sent'; readonly attempt: number; readonly purpose: Purpose; readonly events: readonly SentEvent[] };
type AnsweredLine = { readonly kind: 'answered'; readonly attempt: number; readonly answers: readonly Answer[] };
type UnansweredLine = { readonly kind: 'unanswered'; readonly attempt: number; readonly why: string };
export type JournalLine = SentLine | AnsweredLine | UnansweredLine;

/**
 * What the client saw, line by line, each on disk before the client goes on: a request before it is sent, an answer before it is
 * believed. It shares nothing with the platform, so it can be held against it.
 */
export class ClientJournal {
  private waiting: { readonly text: string; readonly written: () => void; readonly failed: (error: unknown) => void }[] = [];
  private writing = false;

  private constructor(private readonly file: FileHandle) {}

  static async open(path: string): Promise<ClientJournal> {
    return new ClientJournal(await open(path, 'a', 0o600));
  }

  /** Resolves once the line is on disk; lines that wait together share one fsync. */
  add(line: JournalLine): Promise<void> {
    return new Promise((written, failed) => {
      this.waiting.push({ text: `${JSON.stringify(line)}\n`, written, failed });
      if (!this.writing) void this.write();
    });
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  private async write(): Promise<void> {
    this.writing = true;
    while (this.waiting.length > 0) {
      const lines = this.waiting.splice(0);
      try {
        await this.file.appendFile(lines.map((line) => line.text).join(''));
        await this.file.datasync();
        for (const line of lines) line.written();
      } catch (error) {
        for (const line of lines) line.failed(error);
      }
    }
    this.writing = false;
  }
}

/** The attempts a journal tells of, in the order they were sent. */
export const attemptsIn = (text: string): Attempt[] => {
  const attempts = new Map<number, Attempt>();
  for (const written of text.split('\n')) {
    if (written === '') continue;
    const line = JSON.parse(written) as JournalLine;
    if (line.kind === 'sent') attempts.set(line.attempt, { attempt: line.attempt, purpose: line.purpose, events: line.events });
    if (line.kind === 'answered') attempts.set(line.attempt, { ...attempts.get(line.attempt)!, answers: line.answers });
  }
  return [...attempts.values()];
};

export const readAttempts = async (path: string): Promise<Attempt[]> => attemptsIn(await readFile(path, 'utf8'));
