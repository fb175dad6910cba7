import { Controller, Delete, Get, Headers, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Allow } from '@millrace/service-kit';
import { z } from 'zod';
import { jsonBodyOf, parametersOf } from '../request-input.ts';
import { readBytes, type BodyBound } from '../request-bytes.ts';
import { refuseUnknownTypes } from './known-types.rule.ts';
import { SourceKeys } from './source-keys.ts';
import { sourceName, sourceWish, tenantText, type IssuedSource, type ListedSource } from './source.model.ts';

export const ofTenant = z.strictObject({ tenant: tenantText });

/** A wish of 200 types, with room to spare. */
const BODY: BodyBound = { maxBytes: 64 * 1024, remedy: 'name fewer types, or prefixes like clickstream.*' };

@Controller('v1/sources')
export class SourcesController {
  constructor(@Inject(SourceKeys) private readonly sources: SourceKeys) {}

  @Post()
  @Allow('operator')
  async add(@Headers('content-type') contentType: string | undefined, @Req() request: FastifyRequest): Promise<IssuedSource> {
    const wish = jsonBodyOf(sourceWish, contentType, await readBytes(request.raw, BODY));
    refuseUnknownTypes(wish.types ?? []);
    return this.sources.issue(wish);
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
