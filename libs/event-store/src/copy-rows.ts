import type { Connection, Submittable } from 'pg';

/** One row's fields as the server sends them in binary; null is SQL's NULL. */
export type Tuple = readonly (Buffer | null)[];

/** `PGCOPY\n\377\r\n\0`, flags and the length of an extension, which no server sends. */
const HEADER_BYTES = 19;

/** The fields of every row in one message of a binary COPY. Copies what it keeps: the driver uses the message's memory again. */
const tuplesIn = (message: Buffer, from: number): Tuple[] => {
  const bytes = Buffer.from(message);
  const tuples: Tuple[] = [];
  for (let at = from; at < bytes.length;) {
    const fields = bytes.readInt16BE(at);
    at += 2;
    // -1 ends the whole copy.
    if (fields < 0) break;
    const tuple: (Buffer | null)[] = [];
    for (let n = 0; n < fields; n += 1) {
      const length = bytes.readInt32BE(at);
      at += 4;
      tuple.push(length < 0 ? null : bytes.subarray(at, at + length));
      if (length > 0) at += length;
    }
    tuples.push(tuple);
  }
  return tuples;
};

/**
 * `COPY (…) TO STDOUT (FORMAT binary)` as a query for the driver: rows arrive as bytes. The driver reads results as text only, and bytes as
 * hex text cost twice the traffic and three times the time of reading (docs/adr/0017). Format: PostgreSQL manual, COPY, "Binary Format".
 */
export class CopyRows implements Submittable {
  readonly done: Promise<Tuple[]>;
  /** The driver wraps this one to end its own time limit. */
  callback: (error?: Error) => void = () => undefined;
  private readonly tuples: Tuple[] = [];
  private begun = false;
  private resolve: (tuples: Tuple[]) => void = () => undefined;
  private reject: (error: Error) => void = () => undefined;

  constructor(private readonly select: string) {
    this.done = new Promise((resolve, reject) => { this.resolve = resolve; this.reject = reject; });
  }

  submit(connection: Connection): void {
    connection.query(`COPY (${this.select}) TO STDOUT (FORMAT binary)`);
  }

  handleCopyData({ chunk }: { chunk: Buffer }): void {
    for (const tuple of tuplesIn(chunk, this.begun ? 0 : HEADER_BYTES)) this.tuples.push(tuple);
    this.begun = true;
  }

  handleCommandComplete(): void { /* ready for the next query is what counts */ }

  handleError(error: Error): void {
    this.reject(error);
    this.callback(error);
  }

  handleReadyForQuery(): void {
    this.resolve(this.tuples);
    this.callback();
  }
}
