import type { DifferenceLog, OpenDifference } from './difference-log.ts';
import { differenceKey, type Difference } from './difference.rule.ts';

export interface ReconcilerOptions {
  /** One look at all counts. */
  readonly look: () => Promise<readonly Difference[]>;
  readonly told: Pick<DifferenceLog, 'open' | 'found' | 'settled'>;
  /** Tenants whose open differences are known. */
  readonly tenants: () => Promise<readonly string[]>;
  readonly onFound: (difference: Difference) => void;
  readonly onSettled: (difference: Difference) => void;
}

/**
 * Judges look after look. A difference is told when two looks in a row have seen it (one may have fallen between two commits), and settled
 * when two have not.
 */
export class Reconciler {
  private before = new Map<string, Difference>();
  private missed = new Set<string>();
  private open: readonly OpenDifference[] = [];

  constructor(private readonly options: ReconcilerOptions) {}

  /** Differences told and not settled, as of the last look. */
  standing(): readonly OpenDifference[] {
    return this.open;
  }

  /** One look, and what follows from it. A look that fails changes nothing. */
  async turn(): Promise<void> {
    const { look, told, tenants, onFound, onSettled } = this.options;
    const openBefore = new Set((await told.open(await tenants())).map(differenceKey));
    const seen = new Map((await look()).map((difference) => [differenceKey(difference), difference]));
    const open = new Map((await told.open([...await tenants(), ...[...seen.values()].map(({ tenant }) => tenant)])).map((difference) => [differenceKey(difference), difference]));
    // Open when this look began and not now: another process has settled it since, and what was seen is older than that.
    for (const [key, difference] of seen) if (this.before.has(key) && !open.has(key) && !openBefore.has(key) && await told.found(difference)) onFound(difference);
    const missed = new Set([...open.keys()].filter((key) => !seen.has(key)));
    for (const key of missed) if (this.missed.has(key) && await told.settled(open.get(key)!)) onSettled(open.get(key)!);
    [this.before, this.missed] = [seen, missed];
    this.open = await told.open(await tenants());
  }
}
