import type { ServerResponse } from 'node:http';

/** Well below the minute after which proxies cut a silent connection. */
const HEARTBEAT_MS = 15_000;
const RECONNECT_MS = 2000;

/**
 * Server-sent events over one HTTP answer. A reader slower than the events gets the latest one when it has caught up, so nothing
 * gathers in memory; one that has not read for a whole heartbeat is cut off.
 */
export class EventStream {
  private waiting: string | undefined;
  private readonly heartbeat: NodeJS.Timeout;

  constructor(private readonly response: ServerResponse, signal: AbortSignal, onClose: () => void) {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
    response.write(`retry: ${RECONNECT_MS}\n\n`);
    response.on('drain', () => this.flush());
    this.heartbeat = setInterval(() => this.beat(), HEARTBEAT_MS);
    const end = (): void => { response.end(); };
    signal.addEventListener('abort', end, { once: true });
    response.on('close', () => {
      clearInterval(this.heartbeat);
      signal.removeEventListener('abort', end);
      onClose();
    });
    if (signal.aborted) end();
  }

  send(event: string, data: unknown): void {
    this.waiting = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    this.flush();
  }

  private flush(): void {
    if (this.waiting === undefined || this.response.writableNeedDrain || this.response.writableEnded) return;
    this.response.write(this.waiting);
    this.waiting = undefined;
  }

  private beat(): void {
    if (this.response.writableNeedDrain) this.response.destroy();
    else this.response.write(': heartbeat\n\n');
  }
}
