import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import type { BuildStanding, DifferenceReport, ProjectionOperations, Switched } from '@millrace/event-sourcing';
import { z } from 'zod';
import { PROJECTIONS } from './injection-tokens.ts';
import { parsed } from './parsed.ts';
import { Allow } from './token-guard.ts';

const BUILD = z.coerce.number().int().min(1).max(1_000_000_000);
const rebuild = z.strictObject({ version: BUILD.optional() });
const choice = z.strictObject({ build: BUILD.optional() });
const drop = z.strictObject({ build: BUILD });

/** The service's read models and their builds; only operators change anything. Apps that provide `PROJECTIONS` list it among their controllers. */
@Controller('v1/projections')
export class ProjectionsController {
  constructor(@Inject(PROJECTIONS) private readonly projections: ProjectionOperations) {}

  @Get()
  async list(): Promise<{ projections: BuildStanding[] }> {
    return { projections: await this.projections.list() };
  }

  /** 202: it has begun, the list shows how far it is. */
  @Post(':name/rebuild')
  @Allow('operator')
  @HttpCode(202)
  rebuild(@Param('name') name: string, @Body() body: unknown): Promise<BuildStanding> {
    return this.projections.rebuild(name, parsed(rebuild, body ?? {}).version);
  }

  /** Halts batches for a moment and reads both builds whole: not for whoever may only look. */
  @Get(':name/diff')
  @Allow('operator')
  diff(@Param('name') name: string, @Query() query: unknown): Promise<DifferenceReport> {
    return this.projections.diff(name, parsed(choice, query).build);
  }

  @Post(':name/switch')
  @Allow('operator')
  @HttpCode(200)
  switch(@Param('name') name: string, @Body() body: unknown): Promise<Switched> {
    return this.projections.switch(name, parsed(choice, body ?? {}).build);
  }

  @Post(':name/drop')
  @Allow('operator')
  @HttpCode(204)
  drop(@Param('name') name: string, @Body() body: unknown): Promise<void> {
    return this.projections.drop(name, parsed(drop, body ?? {}).build);
  }
}
