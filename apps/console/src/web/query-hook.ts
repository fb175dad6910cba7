import { useCallback, useEffect, useRef, useState } from 'react';
import { startPoll, type Poll } from './poll.ts';
import { call, Problem } from './problem.ts';

export interface Query<T> {
  readonly data?: T;
  /** When `data` was read. */
  readonly readAt?: Date;
  readonly problem?: Problem;
  readonly loading: boolean;
  reload(): void;
}

export interface Refresh {
  readonly everyMs: number;
  /** With it, an answer is read again only when this text has changed since, at most every `everyMs`. */
  readonly changes?: string;
}

/** Fetches `path` and again as `refresh` says; the last good answer stays on the page while a later one fails. `undefined` asks nothing. */
export const useQuery = <T>(path: string | undefined, { everyMs, changes }: Partial<Refresh> = {}): Query<T> => {
  const [state, setState] = useState<{ path?: string; data?: T; readAt?: Date; problem?: Problem }>({});
  const poll = useRef<Poll>(undefined);
  const onlyChanges = changes !== undefined;
  useEffect(() => {
    if (path === undefined) return undefined;
    const ask = async (signal: AbortSignal, background: boolean): Promise<void> => {
      try {
        const data = await call<T>(path, { signal, background });
        setState({ path, data, readAt: new Date() });
      } catch (error) {
        if (signal.aborted) return;
        const problem = error instanceof Problem ? error : new Problem(0, 'unexpected', 'The answer could not be read.');
        setState((before) => (before.path === path ? { ...before, problem } : { path, problem }));
        throw problem;
      }
    };
    const started = startPoll({ ask, everyMs, onlyChanges });
    poll.current = started;
    return () => { started.stop(); };
  }, [path, everyMs, onlyChanges]);
  const seen = useRef(changes);
  useEffect(() => {
    if (seen.current !== changes) poll.current?.changed();
    seen.current = changes;
  }, [changes]);
  const reload = useCallback(() => poll.current?.now(), []);
  const current = state.path === path ? state : {};
  return { ...current, loading: path !== undefined && current.data === undefined && current.problem === undefined, reload };
};
