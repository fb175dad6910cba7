/** Reads the time; injected so that tests and fault drills can move it. */
export interface Clock {
  now(): Date;
}

/** The machine's clock. It may jump: measure durations with `performance.now()`. */
export const systemClock: Clock = { now: () => new Date() };

/** A clock that stands at `at` until moved. */
export const fixedClock = (at: string): Clock & { set(next: string): void } => {
  let current = new Date(at);
  return { now: () => current, set: (next) => { current = new Date(next); } };
};
