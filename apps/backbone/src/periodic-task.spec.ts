import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@millrace/testing';
import { PeriodicTask } from './periodic-task.ts';

/** A run that is finished, or failed, by the spec. */
class Work {
  runs = 0;
  atOnce = 0;
  mostAtOnce = 0;
  private finish: (() => void) | undefined;
  private fail: ((error: Error) => void) | undefined;

  run = async (): Promise<void> => {
    this.runs += 1;
    this.atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce);
    try {
      await new Promise<void>((resolve, reject) => { this.finish = resolve; this.fail = reject; });
    } finally {
      this.atOnce -= 1;
    }
  };

  begun = (runs: number): Promise<unknown> => eventually(`run ${runs}`, () => this.runs === runs);
  end(error?: Error): void {
    if (error === undefined) this.finish?.();
    else this.fail?.(error);
  }
}

const open: { work: Work; task: PeriodicTask }[] = [];
const started = (onError: (error: unknown) => void = (error) => { throw error; }): { work: Work; task: PeriodicTask } => {
  const work = new Work();
  const task = new PeriodicTask(work.run, 1, onError);
  open.push({ work, task });
  task.start();
  return { work, task };
};
afterEach(async () => {
  for (const { work, task } of open.splice(0)) {
    const stopped = task.stop();
    work.end();
    await stopped;
  }
});

/** Waits until a task beside the one looked at has had that many turns: the other could have had as many. */
const turnsBeside = async (turns: number): Promise<void> => {
  let had = 0;
  const beside = new PeriodicTask(async () => { had += 1; }, 1, () => undefined);
  beside.start();
  await eventually(`${turns} turns`, () => had >= turns);
  await beside.stop();
};

describe('a periodic task', () => {
  it('goes on turn after turn', async () => {
    const { work } = started();
    for (let run = 1; run <= 5; run += 1) {
      await work.begun(run);
      work.end();
    }
    expect(work.mostAtOnce).toBe(1);
  });

  it('never runs twice at once, however long a run takes', async () => {
    const { work } = started();
    await work.begun(1);
    await turnsBeside(20);
    expect(work).toMatchObject({ runs: 1, atOnce: 1 });
  });

  it('reports a run that fails and tries again at the next turn', async () => {
    const errors: unknown[] = [];
    const { work } = started((error) => errors.push(error));
    const gone = new Error('the database is away');
    await work.begun(1);
    work.end(gone);
    await work.begun(2);
    expect(errors).toEqual([gone]);
    work.end();
    await work.begun(3);
    expect(errors).toHaveLength(1);
  });

  it('reports a run that throws before it has a promise', async () => {
    const errors: unknown[] = [];
    const task = new PeriodicTask(() => { throw new Error('at once'); }, 1, (error) => errors.push(error));
    task.start();
    await eventually('two reports', () => errors.length >= 2);
    await task.stop();
    expect(errors).toEqual(errors.map(() => new Error('at once')));
  });
});

describe('stopping', () => {
  it('waits for the run in progress and begins no other', async () => {
    const { work, task } = started();
    await work.begun(1);
    let stopped = false;
    const stopping = task.stop().then(() => { stopped = true; });
    await turnsBeside(5);
    expect(stopped).toBe(false);
    work.end();
    await stopping;
    await turnsBeside(20);
    expect(work).toMatchObject({ runs: 1, atOnce: 0 });
  });

  it('before the first turn leaves it out', async () => {
    const work = new Work();
    const task = new PeriodicTask(work.run, 1, () => undefined);
    task.start();
    await task.stop();
    await turnsBeside(20);
    expect(work.runs).toBe(0);
  });

  it('twice, or before a start, does nothing more', async () => {
    const { work, task } = started();
    await work.begun(1);
    work.end();
    await Promise.all([task.stop(), task.stop()]);
    await new PeriodicTask(work.run, 1, () => undefined).stop();
    const { runs } = work;
    await turnsBeside(5);
    expect(work.runs).toBe(runs);
  });
});
