import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Progress } from './bench-result.ts';

/** What one round measured, by side: rates per second, or milliseconds where the name says so. */
export type Round = Readonly<Record<string, number>>;
export interface Spread { readonly min: number; readonly max: number }

/** The value below which the share `q` of the values lies (nearest rank). */
export const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.max(0, Math.ceil(values.length * q) - 1))]!;
export const median = (values: readonly number[]): number => quantile(values, 0.5);
/** A rate as it is printed. */
export const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const digits = (value: number): number => Number(value.toPrecision(4));

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** `count` per second of `work`. What was made to feed it is collected before, so that no side pays for another's leavings. */
export const perSecond = async (count: number, work: () => Promise<unknown>): Promise<number> => {
  collectGarbage();
  const begun = performance.now();
  await work();
  return count / ((performance.now() - begun) / 1000);
};

/**
 * Measures every side once per round, every other round in the opposite order, so that a load that comes and goes hits all of them. One
 * round before warms caches and compilers and is not counted. Every side of a round is a step of the progress.
 */
export const alternate = async <Side extends string>(count: number, sides: Readonly<Record<Side, () => Promise<number>>>, progress: Progress): Promise<Record<Side, number>[]> => {
  const names = Object.keys(sides) as Side[];
  const rounds: Record<Side, number>[] = [];
  let steps = 0;
  for (let n = -1; n < count; n += 1) {
    const measured: Partial<Record<Side, number>> = {};
    for (const side of n % 2 === 0 ? names : names.toReversed()) {
      measured[side] = digits(await sides[side]());
      progress('rounds', (steps += 1), (count + 1) * names.length);
    }
    if (n >= 0) rounds.push(Object.fromEntries(names.map((name) => [name, measured[name]!])) as Record<Side, number>);
  }
  return rounds;
};

/** Per ratio `[over, under]`: the median of the rounds' own ratios, and its smallest and largest. */
export const compare = <Side extends string, Name extends string>(rounds: readonly Readonly<Record<Side, number>>[], ratios: Readonly<Record<Name, readonly [Side, Side]>>): { ratios: Record<Name, number>; spread: Record<Name, Spread> } => {
  const each = (Object.entries(ratios) as [Name, readonly [Side, Side]][]).map(([name, [over, under]]) => [name, rounds.map((round) => round[over] / round[under])] as const);
  return {
    ratios: Object.fromEntries(each.map(([name, values]) => [name, digits(median(values))])) as Record<Name, number>,
    spread: Object.fromEntries(each.map(([name, values]) => [name, { min: digits(Math.min(...values)), max: digits(Math.max(...values)) }])) as Record<Name, Spread>,
  };
};

/** Each side's median over the rounds. */
export const medians = <Side extends string>(rounds: readonly Readonly<Record<Side, number>>[]): Record<Side, number> =>
  Object.fromEntries((Object.keys(rounds[0]!) as Side[]).map((side) => [side, median(rounds.map((round) => round[side]))])) as Record<Side, number>;
