import { useCallback, useEffect, useState } from 'react';
import { call, Problem } from './problem.ts';

export interface Query<T> {
  readonly data?: T;
  readonly problem?: Problem;
  readonly loading: boolean;
  reload(): void;
}

/** Fetches `path` and again every `everyMs`; the last good answer stays on the page while a later one fails. `undefined` asks nothing. */
export const useQuery = <T>(path: string | undefined, everyMs?: number): Query<T> => {
  const [state, setState] = useState<{ path?: string; data?: T; problem?: Problem }>({});
  const [turn, setTurn] = useState(0);
  const reload = useCallback(() => setTurn((n) => n + 1), []);
  useEffect(() => {
    if (path === undefined) return undefined;
    const gone = new AbortController();
    call<T>(path, { signal: gone.signal })
      .then((data) => setState({ path, data }))
      .catch((error: unknown) => {
        if (gone.signal.aborted) return;
        const problem = error instanceof Problem ? error : new Problem(0, 'unexpected', 'The answer could not be read.');
        setState((before) => (before.path === path ? { ...before, problem } : { path, problem }));
      });
    const timer = everyMs === undefined ? undefined : setTimeout(reload, everyMs);
    return () => { gone.abort(); clearTimeout(timer); };
  }, [path, everyMs, turn, reload]);
  const current = state.path === path ? state : {};
  return { ...current, loading: path !== undefined && current.data === undefined && current.problem === undefined, reload };
};
