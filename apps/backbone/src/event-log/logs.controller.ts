import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { PgEventStore } from '@millrace/event-store';
import { Relay } from '@millrace/event-bus';
import { DomainError, logName, type LogKey } from '@millrace/kernel';
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

  /**
   * Events after a position, in order; fewer than `limit` may come when they are large. `through` is the position up to which was looked: every
   * event up to it that isn't here does not fit the filter. Go on after it until it stays.
   */
  @Get(':context/:shard/events')
  async events(@Param('context') context: string, @Param('shard') shard: string, @Query() query: unknown): Promise<{ events: EventView[]; through: number }> {
    const { log, ...request } = parseLogPage(context, shard, query);
    await this.existing(log);
    const { events, through } = await this.store.readPage(log, { ...request, maxBytes: MAX_PAGE_BYTES });
    return { events: events.map(toEventView), through };
  }

  private async existing(log: LogKey): Promise<void> {
    if (await this.store.head(log)) return;
    throw new DomainError('not-found', 'log-unknown', { log: logName(log) }, `There is no log ${logName(log)} of this tenant: it begins with its first event. GET /v1/logs lists those there are.`);
  }
}
