import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Answers } from '@millrace/service-kit';
import { z } from 'zod';
import { parametersOf } from '../request-input.ts';
import { tenantText } from '../sources/source.model.ts';
import type { StockAnswer } from './stock.decider.ts';
import { StockReservation } from './stock-reservation.ts';

/** As the contracts have it; characters are code points there too. */
const id = z.string().regex(/^\P{C}{1,128}$/u, 'expected 1 to 128 characters without control characters');
const reserveStock = z.strictObject({ tenant: tenantText, productId: id, quantity: z.int().min(1).max(1_000_000_000), reservationId: id, orderId: id.optional() });
const releaseStock = z.strictObject({ tenant: tenantText, productId: id, reservationId: id, reason: z.string().max(64).regex(/^[a-z0-9][a-z0-9-]*$/).optional() });

/** Commands on stock over NATS request/reply. */
@Controller()
export class StockController {
  constructor(@Inject(StockReservation) private readonly stock: StockReservation) {}

  @Answers('cmd.inventory.reserve-stock')
  reserve(@Payload() question: unknown): Promise<StockAnswer> {
    const { tenant, ...command } = parametersOf(reserveStock, question);
    return this.stock.handle(tenant, { kind: 'reserve', ...command });
  }

  @Answers('cmd.inventory.release-stock')
  release(@Payload() question: unknown): Promise<StockAnswer> {
    const { tenant, ...command } = parametersOf(releaseStock, question);
    return this.stock.handle(tenant, { kind: 'release', ...command });
  }
}
