/** What the server said went wrong: RFC 9457, as the console shows it. */
export class Problem extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const problemOf = async (response: Response): Promise<Problem> => {
  const body: unknown = await response.json().catch(() => undefined);
  const text = (name: string, otherwise: string): string => (isRecord(body) && typeof body[name] === 'string' ? body[name] : otherwise);
  return new Problem(response.status, text('code', `http-${response.status}`), text('detail', 'The server answered without saying why. Try again; if it stays, look at the system page.'));
};

export interface Call {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** Nobody asked for it: a page left alone must not keep its session from ending. */
  readonly background?: boolean;
}

/** The server knows no session of ours any more. */
export const endsSession = ({ status, code }: Pick<Problem, 'status' | 'code'>): boolean => status === 401 && (code === 'session-missing' || code === 'session-unknown');

const sessionEnds = new EventTarget();

/** Calls back whenever an answer says that the session has ended; answers how to stop. */
export const onSessionEnd = (listener: () => void): (() => void) => {
  sessionEnds.addEventListener('end', listener);
  return () => sessionEnds.removeEventListener('end', listener);
};

/** Calls the backend-for-frontend. Throws Problem; `status` 0 when nothing answered. */
export const call = async <T>(path: string, { method = 'GET', body, signal, background = false }: Call = {}): Promise<T> => {
  const headers: Record<string, string> = { 'x-millrace-console': '1', ...(background ? { 'x-millrace-background': '1' } : {}), ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const response = await fetch(path, { method, headers, signal: signal ?? null, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new Problem(0, 'no-answer', 'The console\'s server does not answer. Is Millrace running? Start it with "npm start"; this page goes on by itself.');
  });
  if (!response.ok) {
    const problem = await problemOf(response);
    if (endsSession(problem)) sessionEnds.dispatchEvent(new Event('end'));
    throw problem;
  }
  return (response.status === 204 ? undefined : await response.json()) as T;
};
