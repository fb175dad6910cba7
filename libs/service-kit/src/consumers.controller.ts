import { Controller, Get } from '@nestjs/common';
import type { ConsumerStatus } from '@millrace/event-bus';
import { EventTransport } from './event-transport.ts';

/** Where this service stands in each log it reads. Apps with an `EventTransport` provider list it among their controllers. */
@Controller('v1/consumers')
export class ConsumersController {
  constructor(private readonly events: EventTransport) {}

  @Get()
  list(): { consumers: ConsumerStatus[] } {
    return { consumers: this.events.standing() };
  }
}
