import type { Position } from '@millrace/kernel';

/**
 * The last of the positions `low` to `high` at which two histories agree, by bisection; `low - 1` when they agree at none. Histories of one log
 * share a beginning and then differ for good: a salt makes every leaf its event's own, and an event stands after all that were before it.
 */
export const lastAgreement = async (low: Position, high: Position, agreeAt: (position: Position) => Promise<boolean>): Promise<Position> => {
  let [agreed, differs] = [low - 1, high + 1];
  while (differs - agreed > 1) {
    const middle = Math.floor((agreed + differs) / 2);
    if (await agreeAt(middle)) agreed = middle;
    else differs = middle;
  }
  return agreed;
};
