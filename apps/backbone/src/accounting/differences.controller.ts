import { Controller, Get, Inject, Query } from '@nestjs/common';
import { optionalTenant } from '../event-log/parameters.ts';
import type { OpenDifference } from './difference-log.ts';
import { Reconciler } from './reconciler.ts';

@Controller('v1/differences')
export class DifferencesController {
  constructor(@Inject(Reconciler) private readonly reconciler: Reconciler) {}

  /** Counts that must agree and do not, as of the last look. Empty is good news. */
  @Get()
  open(@Query() query: unknown): { differences: OpenDifference[] } {
    const tenant = optionalTenant(query);
    return { differences: this.reconciler.standing().filter((difference) => tenant === undefined || difference.tenant === tenant) };
  }
}
