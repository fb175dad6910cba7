import { Body, Controller, HttpCode, Inject, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { parseWarehouseQuestion, WarehouseQuery, type WarehouseAnswer } from './warehouse.query.ts';

/** Aborted when whoever asked hangs up: a query that nobody waits for must not keep a process from those who do. */
const hungUp = ({ raw }: FastifyReply): AbortSignal => {
  const gone = new AbortController();
  raw.once('close', () => gone.abort());
  if (raw.closed) gone.abort();
  return gone.signal;
};

@Controller('v1/query')
export class QueryController {
  constructor(@Inject(WarehouseQuery) private readonly warehouse: WarehouseQuery) {}

  /** A question, not a change, hence 200. */
  @Post()
  @HttpCode(200)
  answer(@Body() body: unknown, @Res({ passthrough: true }) reply: FastifyReply): Promise<WarehouseAnswer> {
    return this.warehouse.answer(parseWarehouseQuestion(body), hungUp(reply));
  }
}
