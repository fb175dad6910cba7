import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { Allow } from '@millrace/service-kit';
import { parseArchiveWish, parseRedactionWish } from '../event-log/parameters.ts';
import { RangeArchive, type ArchiveStep, type RedactionStep } from './range-archive.ts';

@Controller('v1/archive')
export class ArchiveController {
  constructor(@Inject(RangeArchive) private readonly archive: RangeArchive) {}

  /** Moves the log's next segment out of Postgres; ask again until `done`. Whoever stops asking has stopped it, between two segments. */
  @Post()
  @HttpCode(200)
  @Allow('operator')
  step(@Body() body: unknown): Promise<ArchiveStep> {
    return this.archive.step(parseArchiveWish(body));
  }

  /** Makes an archived event's redaction possible, and follows it once it is done: asked before and after. */
  @Post('redactions')
  @HttpCode(200)
  @Allow('operator')
  redaction(@Body() body: unknown): Promise<RedactionStep> {
    const { tenant, eventId } = parseRedactionWish(body);
    return this.archive.follow(tenant, eventId);
  }
}
