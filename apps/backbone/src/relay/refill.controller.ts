import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { Relay } from '@millrace/event-bus';
import { logName } from '@millrace/kernel';
import { Allow } from '@millrace/service-kit';
import { parseRefillWish } from '../event-log/parameters.ts';

@Allow('operator')
@Controller('v1/relay/refill')
export class RefillController {
  constructor(@Inject(Relay) private readonly relay: Relay) {}

  /** Begins to fill a log's stream again; `GET /v1/logs` shows how far it is. Consumers read Postgres meanwhile. */
  @Post()
  @HttpCode(202)
  refill(@Body() body: unknown): { tenant: string; log: string; from: number } {
    const { log, from } = parseRefillWish(body);
    this.relay.refill(log, from);
    return { tenant: log.tenant, log: logName(log), from };
  }
}
