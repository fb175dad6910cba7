import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { Allow } from '@millrace/service-kit';
import { parseArchiveWish } from '../event-log/parameters.ts';
import { RangeArchive, type ArchiveStep } from './range-archive.ts';

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
}
