export interface PollPlan {
  /** `background` is false when somebody looks: at first, and after `now`. Its signal ends with the poll, never before its answer otherwise. */
  ask(signal: AbortSignal, background: boolean): Promise<void>;
  /** Rest between an answer and the next question; without it, it asks once. */
  readonly everyMs?: number;
  /** Asks again only when told of a change since, or after a failure. */
  readonly onlyChanges?: boolean;
}

export interface Poll {
  /** Something changed: asks again, as soon as the rest after the last answer is over. */
  changed(): void;
  /** Asks without waiting, unless a question is on its way. */
  now(): void;
  stop(): void;
}

/** Asks at once and goes on. The rest begins with the answer: one slower than `everyMs` still arrives, and no two questions are on their way. */
export const startPoll = ({ ask, everyMs, onlyChanges = false }: PollPlan): Poll => {
  const gone = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking = false;
  let due = false;
  const rest = (): void => {
    if (everyMs === undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      if (due || !onlyChanges) turn(true);
    }, everyMs);
  };
  const turn = (background: boolean): void => {
    clearTimeout(timer);
    timer = undefined;
    [asking, due] = [true, false];
    ask(gone.signal, background).catch(() => { due = true; }).finally(() => {
      asking = false;
      if (!gone.signal.aborted) rest();
    });
  };
  turn(false);
  return {
    changed: () => {
      due = true;
      if (!asking && timer === undefined && !gone.signal.aborted) turn(true);
    },
    now: () => { if (!asking && !gone.signal.aborted) turn(false); },
    stop: () => { gone.abort(); clearTimeout(timer); },
  };
};
