import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { PgEventStore } from '@millrace/event-store';
import { Relay } from '@millrace/event-bus';
import { toEventView, type EventView } from './event-view.ts';
import { joinRelay, type LogStanding } from './log-standing.ts';
import { optionalTenant, parseLogPage } from './parameters.ts';

/** A page ends early at this many bytes of data, so that an order of thousands of lines can't make it huge. */
const MAX_PAGE_BYTES = 8 * 1024 * 1024;

@Controller('v1/logs')
export class LogsController {
  constructor(@Inject(PgEventStore) private readonly store: PgEventStore, @Inject(Relay) private readonly relay: Relay) {}

  /** Epoch, head and relayed position of each log. */
  @Get()
  async logs(@Query() query: unknown): Promise<{ logs: LogStanding[] }> {
    const tenant = optionalTenant(query);
    const heads = await this.store.heads(tenant);
    return { logs: joinRelay(heads, this.relay.status().filter((status) => tenant === undefined || status.tenant === tenant)) };
  }

  /** Events after a position, dense and in order; fewer than `limit` may come when they are large. */
  @Get(':context/:shard/events')
  async events(@Param('context') context: string, @Param('shard') shard: string, @Query() query: unknown): Promise<{ events: EventView[] }> {
    const { log, after, limit } = parseLogPage(context, shard, query);
    return { events: (await this.store.read(log, after, limit, MAX_PAGE_BYTES)).map(toEventView) };
  }
}
