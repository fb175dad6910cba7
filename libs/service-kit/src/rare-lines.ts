/** An outage fails every request: one line a second says as much as all of them. */
const APART_MS = 1_000;

/** Keeps a failure that repeats itself from flooding the log: one line per code and second, which tells how many were left out before it. */
export class RareLines {
  private readonly told = new Map<string, { at: number; leftOut: number }>();

  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /** How many of this code were left out since its last line; undefined when this one is left out too. Codes are our own: there are few. */
  leftOutBefore(code: string): number | undefined {
    const now = this.nowMs();
    const last = this.told.get(code);
    if (last !== undefined && now - last.at < APART_MS) {
      last.leftOut += 1;
      return undefined;
    }
    this.told.set(code, { at: now, leftOut: 0 });
    return last?.leftOut ?? 0;
  }
}
