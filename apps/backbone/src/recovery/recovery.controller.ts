import { Body, Controller, Get, HttpCode, Inject, Post, Query } from '@nestjs/common';
import type { LogExplanation } from '@millrace/contracts';
import { Allow } from '@millrace/service-kit';
import { parseRecoveryWish, parseLogFilter } from '../event-log/parameters.ts';
import { Recovery, type RecoveredLog } from './recovery.ts';

@Allow('operator')
@Controller('v1/recovery')
export class RecoveryController {
  constructor(@Inject(Recovery) private readonly recovery: Recovery) {}

  /** What has parted, and what mending it would do; changes nothing. */
  @Get()
  async explain(@Query() query: unknown): Promise<{ logs: LogExplanation[] }> {
    return { logs: await this.recovery.explain(parseLogFilter(query)) };
  }

  /** Mends what has parted. Again is no error: it finishes what is left. */
  @Post()
  @HttpCode(200)
  async recover(@Body() body: unknown): Promise<{ recovered: RecoveredLog[] }> {
    const { reason, ...filter } = parseRecoveryWish(body);
    return { recovered: await this.recovery.recover(filter, reason) };
  }
}
