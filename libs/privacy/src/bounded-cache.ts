export interface CacheBounds {
  /** Beyond it the entry unused for longest is dropped. */
  readonly maxEntries: number;
  /** Counted from when an entry was set; using it doesn't prolong it. */
  readonly ttlMs: number;
  /** Milliseconds that only move forward: a wall clock set back would keep entries alive. */
  readonly now?: () => number;
}

// A cache of long life is swept this often per lifetime, so an entry leaves memory at most a quarter late.
const SWEEPS_PER_TTL = 4;

/**
 * A least-recently-used map, bounded in number and in time. An entry older than `ttlMs` is never returned; it leaves memory with the
 * next sweep, which a timer runs as long as anything is held (the timer does not keep the process alive).
 */
export class BoundedCache<Value> {
  // A Map iterates in order of insertion: used entries are put back at the end, so the first is the one unused for longest.
  readonly #entries = new Map<string, { readonly value: Value; readonly expires: number }>();
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
    this.#entries.delete(key);
    if (entry.expires <= this.#now()) return undefined;
    this.#entries.set(key, entry);
    return entry.value;
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, expires: this.#now() + this.#ttlMs });
    if (this.#entries.size > this.#maxEntries) this.#dropOldest();
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

  #dropOldest(): void {
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
