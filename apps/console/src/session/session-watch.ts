import { HttpProblem } from '@millrace/service-kit';

/** A log-out ends the streams that were opened before it within this time. */
const ASK_AGAIN_MS = 15_000;

/** Asks again and again whether the session behind a long answer still holds, until `gone` ends; calls `onEnd` when it does not. Security being away ends nothing. */
export const watchSession = (ask: () => Promise<unknown>, gone: AbortSignal, onEnd: () => void): void => {
  const timer = setInterval(() => {
    ask().catch((error: unknown) => { if (error instanceof HttpProblem && error.getStatus() === 401) onEnd(); });
  }, ASK_AGAIN_MS);
  gone.addEventListener('abort', () => clearInterval(timer), { once: true });
};
