import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { LOGGER } from './injection-tokens.ts';
import type { Logger } from './logger.ts';

/**
 * What is closed after HTTP and message transports have drained, last added first: pools, files. `signal` is aborted at the very start of the
 * drain, so that endless answers (server-sent events) and loops end themselves.
 */
@Injectable()
export class Closing implements OnApplicationShutdown {
  private readonly controller = new AbortController();
  private readonly closers: { name: string; close: () => unknown }[] = [];

  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  add(name: string, close: () => unknown): void {
    this.closers.push({ name, close });
  }

  begin(): void {
    this.controller.abort();
  }

  async onApplicationShutdown(): Promise<void> {
    this.begin();
    for (const { name, close } of this.closers.splice(0).toReversed()) {
      try {
        await close();
      } catch (error) {
        // One failing pool must not keep the others open; the process is ending anyway.
        this.logger.warn({ err: error, closing: name }, 'closing failed');
      }
    }
  }
}
