import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@millrace/testing';
import { CounterFold } from './counter-fold.ts';

/** A fold that is finished, or failed, by the spec. */
class Folding {
  runs = 0;
  atOnce = 0;
  mostAtOnce = 0;
  private finish: (() => void) | undefined;
  private fail: ((error: Error) => void) | undefined;

  fold = async (): Promise<number> => {
    this.runs += 1;
    this.atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce);
    try {
      await new Promise<void>((resolve, reject) => { this.finish = resolve; this.fail = reject; });
    } finally {
      this.atOnce -= 1;
    }
    return 1;
  };

  begun = (runs: number): Promise<unknown> => eventually(`run ${runs}`, () => this.runs === runs);
  end(error?: Error): void {
    if (error === undefined) this.finish?.();
    else this.fail?.(error);
  }
}

const open: { folding: Folding; fold: CounterFold }[] = [];
const started = (onError: (error: unknown) => void = (error) => { throw error; }): { folding: Folding; fold: CounterFold } => {
  const folding = new Folding();
  const fold = new CounterFold(folding.fold, 1, onError);
  open.push({ folding, fold });
  fold.start();
  return { folding, fold };
};
afterEach(async () => {
  for (const { folding, fold } of open.splice(0)) {
    const stopped = fold.stop();
    folding.end();
    await stopped;
  }
});

/** Waits until a fold beside the one looked at has had that many turns: the other could have had as many. */
const turnsBeside = async (turns: number): Promise<void> => {
  let had = 0;
  const beside = new CounterFold(async () => { had += 1; return 0; }, 1, () => undefined);
  beside.start();
  await eventually(`${turns} turns`, () => had >= turns);
  await beside.stop();
};

describe('folding counters', () => {
  it('goes on turn after turn', async () => {
    const { folding } = started();
    for (let run = 1; run <= 5; run += 1) {
      await folding.begun(run);
      folding.end();
    }
    expect(folding.mostAtOnce).toBe(1);
  });

  it('never runs twice at once, however long a run takes', async () => {
    const { folding } = started();
    await folding.begun(1);
    await turnsBeside(20);
    expect(folding).toMatchObject({ runs: 1, atOnce: 1 });
  });

  it('reports a run that fails and tries again at the next turn', async () => {
    const errors: unknown[] = [];
    const { folding } = started((error) => errors.push(error));
    const gone = new Error('the database is away');
    await folding.begun(1);
    folding.end(gone);
    await folding.begun(2);
    expect(errors).toEqual([gone]);
    folding.end();
    await folding.begun(3);
    expect(errors).toHaveLength(1);
  });

  it('reports a fold that throws before it has a promise', async () => {
    const errors: unknown[] = [];
    const fold = new CounterFold(() => { throw new Error('at once'); }, 1, (error) => errors.push(error));
    fold.start();
    await eventually('two reports', () => errors.length >= 2);
    await fold.stop();
    expect(errors).toEqual(errors.map(() => new Error('at once')));
  });
});

describe('stopping', () => {
  it('waits for the run in progress and begins no other', async () => {
    const { folding, fold } = started();
    await folding.begun(1);
    let stopped = false;
    const stopping = fold.stop().then(() => { stopped = true; });
    await turnsBeside(5);
    expect(stopped).toBe(false);
    folding.end();
    await stopping;
    await turnsBeside(20);
    expect(folding).toMatchObject({ runs: 1, atOnce: 0 });
  });

  it('before the first turn leaves it out', async () => {
    const folding = new Folding();
    const fold = new CounterFold(folding.fold, 1, () => undefined);
    fold.start();
    await fold.stop();
    await turnsBeside(20);
    expect(folding.runs).toBe(0);
  });

  it('twice, or before a start, does nothing more', async () => {
    const { folding, fold } = started();
    await folding.begun(1);
    folding.end();
    await Promise.all([fold.stop(), fold.stop()]);
    await new CounterFold(folding.fold, 1, () => undefined).stop();
    const { runs } = folding;
    await turnsBeside(5);
    expect(folding.runs).toBe(runs);
  });
});
