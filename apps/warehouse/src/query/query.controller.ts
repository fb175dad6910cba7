import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { parseWarehouseQuestion, WarehouseQuery, type WarehouseAnswer } from './warehouse.query.ts';

@Controller('v1/query')
export class QueryController {
  constructor(@Inject(WarehouseQuery) private readonly warehouse: WarehouseQuery) {}

  /** A question, not a change, hence 200. */
  @Post()
  @HttpCode(200)
  answer(@Body() body: unknown): Promise<WarehouseAnswer> {
    return this.warehouse.answer(parseWarehouseQuestion(body));
  }
}
