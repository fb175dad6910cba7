import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { Allow } from '@millrace/service-kit';
import { parseContext, parseShardWish, requiredTenant } from './parameters.ts';
import { ShardCount, type ShardStanding } from './shard-count.ts';

@Controller('v1/logs/:context/shards')
export class ShardsController {
  constructor(@Inject(ShardCount) private readonly shards: ShardCount) {}

  @Get()
  show(@Param('context') context: string, @Query() query: unknown): Promise<ShardStanding> {
    return this.shards.show(requiredTenant(query), parseContext(context));
  }

  /** The same count again is no error: it answers as the first time. */
  @Post()
  @Allow('operator')
  @HttpCode(200)
  raise(@Param('context') context: string, @Body() body: unknown): Promise<ShardStanding> {
    const { tenant, shards } = parseShardWish(body);
    return this.shards.raise(tenant, parseContext(context), shards);
  }
}
