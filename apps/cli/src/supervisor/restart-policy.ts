/** How long a process that died stays down, by how often it did so lately. */
export interface RestartPolicy {
  readonly firstMs: number;
  readonly longestMs: number;
  /** A process that ran this long is forgiven its earlier deaths. */
  readonly steadyMs: number;
}

/** A single crash costs a fifth of a second; a process that can't live is tried four times a minute and its log stays readable. */
export const RESTART_POLICY: RestartPolicy = { firstMs: 200, longestMs: 15_000, steadyMs: 60_000 };

/** Deaths in a row, the one just seen included. */
export const deathsAfter = (policy: RestartPolicy, deathsBefore: number, ranForMs: number): number => (ranForMs >= policy.steadyMs ? 1 : deathsBefore + 1);

export const restartDelayMs = (policy: RestartPolicy, deaths: number): number => Math.min(policy.firstMs * 2 ** Math.max(0, deaths - 1), policy.longestMs);
