export interface CacheBounds {
  /** Beyond it an entry unused for long is dropped. */
  readonly maxEntries: number;
  /** Counted from when an entry was set; using it doesn't prolong it. */
  readonly ttlMs: number;
  /** Milliseconds that only move forward: a wall clock set back would keep entries alive. */
  readonly now?: () => number;
}

// A cache of long life is swept this often per lifetime, so an entry leaves memory at most a quarter late.
const SWEEPS_PER_TTL = 4;

// Where everything is in use a walk over all of it would stall the process: then the one that came first goes.
const MOST_CHANCES = 32;

interface Entry<Value> {
  readonly value: Value;
  readonly expires: number;
  used: boolean;
}

/**
 * A map bounded in number and in time that keeps what is used: an entry that was used since it came to the front is passed over once when
 * room is made (second chance, Corbató 1968), which costs a use a mark where strict recency costs it a move. An entry older than `ttlMs` is never returned; it leaves memory with the
 * next sweep, which a timer runs as long as anything is held (the timer does not keep the process alive).
 */
export class BoundedCache<Value> {
  // A Map iterates in order of insertion: the first has waited longest for its chance.
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #maxEntries: number;
  readonly #ttlMs: number;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;

  constructor({ maxEntries, ttlMs, now = () => performance.now() }: CacheBounds) {
    this.#maxEntries = maxEntries;
    this.#ttlMs = ttlMs;
    this.#now = now;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (entry.expires > this.#now()) {
      entry.used = true;
      return entry.value;
    }
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, expires: this.#now() + this.#ttlMs, used: false });
    if (this.#entries.size > this.#maxEntries) this.#makeRoom(key);
    this.#timer ??= setInterval(() => { this.sweep(); }, Math.max(1, this.#ttlMs / SWEEPS_PER_TTL)).unref();
  }

  /** Drops what is too old; the timer ends when nothing is left. */
  sweep(): void {
    const now = this.#now();
    for (const [key, entry] of this.#entries) if (entry.expires <= now) this.#entries.delete(key);
    if (this.#entries.size === 0) this.#stopTimer();
  }

  /** Forgets everything; the cache can be used on. */
  clear(): void {
    this.#entries.clear();
    this.#stopTimer();
  }

  /** Drops the first entry that has had its chance, and never the newest: it ends because each step takes a chance away. */
  #makeRoom(newest: string): void {
    let chances = MOST_CHANCES;
    for (const [key, entry] of this.#entries) {
      this.#entries.delete(key);
      if (key !== newest && (!entry.used || chances === 0)) return;
      entry.used = false;
      chances = Math.max(0, chances - 1);
      this.#entries.set(key, entry);
    }
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
