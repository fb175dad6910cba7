import { Body, Controller, Delete, Get, Headers, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { Allow } from '@millrace/service-kit';
import { z } from 'zod';
import { jsonBodyOf, parametersOf } from '../request-input.ts';
import { SourceKeys } from './source-keys.ts';
import { sourceName, sourceWish, tenantText, type IssuedSource, type ListedSource } from './source.model.ts';

export const ofTenant = z.strictObject({ tenant: tenantText });

@Controller('v1/sources')
export class SourcesController {
  constructor(@Inject(SourceKeys) private readonly sources: SourceKeys) {}

  @Post()
  @Allow('operator')
  add(@Headers('content-type') contentType: string | undefined, @Body() body: unknown): Promise<IssuedSource> {
    return this.sources.issue(jsonBodyOf(sourceWish, contentType, body));
  }

  @Get()
  async list(@Query() query: unknown): Promise<{ sources: ListedSource[] }> {
    return { sources: await this.sources.list(parametersOf(ofTenant, query).tenant) };
  }

  @Delete(':name')
  @Allow('operator')
  @HttpCode(204)
  async revoke(@Param('name') name: string, @Query() query: unknown): Promise<void> {
    await this.sources.revoke(parametersOf(ofTenant, query).tenant, parametersOf(sourceName, name));
  }
}
