import type { Round, Spread } from './rounds.ts';

/** What a benchmark gives back; the frame adds name, commit, machine and time. */
export interface BenchResult {
  /** Ours over the peer of the same run: medians of the rounds' own ratios. They come first, because absolute rates of a shared machine mislead. */
  readonly ratios: Readonly<Record<string, number>>;
  /** What a reader must know to judge the ratios: sizes, server settings, counts. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** Smallest and largest of each ratio over the rounds. */
  readonly spread: Readonly<Record<string, Spread>>;
  /** What each round measured, by side. */
  readonly rounds: readonly Round[];
  /** What a reader wants to know first, a sentence each. */
  readonly headlines?: readonly string[];
  readonly [detail: string]: unknown;
}

export interface BenchOptions {
  /** Ends within a minute: the same measures over fewer rows. */
  readonly quick: boolean;
  readonly progress: Progress;
}

/** Told after each step of a part of the work: `done` of `of`, in whatever unit the part has. */
export type Progress = (part: string, done: number, of: number) => void;

export type Bench = (options: BenchOptions) => Promise<BenchResult>;

/** A result as it is printed and kept. */
export interface BenchDocument extends BenchResult {
  readonly name: string;
  readonly quick: boolean;
  readonly commit: string;
  readonly machine: { readonly cpus: number; readonly model: string; readonly memoryBytes: number; readonly node: string; readonly loadBefore: number };
  readonly measuredAt: string;
}
