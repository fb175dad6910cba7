/** A look at a log that grows and at what follows it: up to which position each has come. */
export interface Look {
  readonly ms: number;
  readonly head: number;
  readonly covered: number;
}

/**
 * The longest an event waited until the follower had it, in milliseconds: at each look, the time since the head first went beyond what was
 * covered then. Looks stand in the order of time; 0 when the follower was never behind.
 */
export const largestLag = (looks: readonly Look[]): number => {
  let [largest, first] = [0, 0];
  for (const { ms, head, covered } of looks) {
    while (first < looks.length && looks[first]!.head <= covered) first += 1;
    if (head > covered && first < looks.length) largest = Math.max(largest, ms - looks[first]!.ms);
  }
  return largest;
};

/** Milliseconds from `since` until a look showed the follower at the head; undefined when none did. */
export const caughtUpAfter = (looks: readonly Look[], since: number): number | undefined => {
  const found = looks.find(({ ms, head, covered }) => ms >= since && covered >= head);
  return found === undefined ? undefined : found.ms - since;
};
