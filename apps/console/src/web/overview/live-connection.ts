/** What of EventSource is used. */
export interface LiveSource {
  readonly readyState: number;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  close(): void;
}

/** As EventSource.CLOSED: the browser has given up, as it does when the answer is not a stream. */
const CLOSED = 2;
const FIRST_WAIT_MS = 2000;
/** A service that restarts is back within seconds; more often than this helps nobody. */
const LONGEST_WAIT_MS = 15_000;

/** Keeps a stream open: where the browser does not reconnect by itself a new source is opened, later each time until one opens. Answers how to end. */
export const keepOpen = <S extends LiveSource>(open: () => S, listen: (source: S) => void): (() => void) => {
  let waitMs = FIRST_WAIT_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let source: S;
  const connect = (): void => {
    const opened = open();
    source = opened;
    listen(opened);
    opened.addEventListener('open', () => { waitMs = FIRST_WAIT_MS; });
    opened.addEventListener('error', () => {
      if (opened.readyState !== CLOSED || opened !== source) return;
      clearTimeout(timer);
      timer = setTimeout(connect, waitMs);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    });
  };
  connect();
  return () => { clearTimeout(timer); source.close(); };
};
