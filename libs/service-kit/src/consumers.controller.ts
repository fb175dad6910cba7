import { Controller, Get, Inject, type Type } from '@nestjs/common';
import type { ConsumerStatus } from '@millrace/event-bus';
import { EventTransport } from './event-transport.ts';
import { Answers } from './request-transport.ts';

/** Where services are asked how far they have read; backbone's recovery and accounting do. */
export const consumersSubject = (service: string): string => `query.${service}.consumers`;

/**
 * Where this service stands in each log it reads: `GET /v1/consumers`, and for backbone the same over NATS (`answers` in service.yaml). Apps
 * with an `EventTransport` provider list it among their controllers.
 */
export const consumersController = (service: string): Type => {
  @Controller('v1/consumers')
  class ConsumersController {
    constructor(@Inject(EventTransport) private readonly events: EventTransport) {}

    @Get()
    list(): { consumers: ConsumerStatus[] } {
      return { consumers: this.events.standing() };
    }

    @Answers(consumersSubject(service))
    answer(): { consumers: ConsumerStatus[] } {
      return this.list();
    }
  }
  return ConsumersController;
};
