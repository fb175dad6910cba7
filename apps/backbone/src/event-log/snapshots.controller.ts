import { Controller, Get, Inject } from '@nestjs/common';
import { SnapshotWatch, type SnapshotStanding } from './snapshot-watch.ts';

@Controller('v1/snapshots')
export class SnapshotsController {
  constructor(@Inject(SnapshotWatch) private readonly watch: SnapshotWatch) {}

  /** Age of the oldest open snapshot on the event database, and whether it is old enough to be reported. */
  @Get()
  oldest(): Promise<SnapshotStanding> {
    return this.watch.look();
  }
}
