import { Body, Controller, Delete, Get, Headers, HttpCode, Inject, Post, Req } from '@nestjs/common';
import { traceparentOf } from '@millrace/service-kit';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { parseBody } from '../request-body.ts';
import { ACCOUNT_NAME_LENGTH } from './account-name.ts';
import { PASSWORD_LENGTH } from './password.ts';
import { Sessions, type CurrentSession } from './sessions.ts';

const credentials = z.strictObject({ name: z.string().min(1).max(ACCOUNT_NAME_LENGTH), password: z.string().min(1).max(PASSWORD_LENGTH.max) });
const SESSION_HEADER = 'x-millrace-session';
/** `1` where nobody looks: a page's refresh by interval. */
const BACKGROUND_HEADER = 'x-millrace-background';

@Controller('v1/sessions')
export class SessionController {
  constructor(@Inject(Sessions) private readonly sessions: Sessions) {}

  @Post()
  open(@Body() body: unknown, @Req() request: FastifyRequest): Promise<{ session: string; expiresAt: string }> {
    return this.sessions.open(parseBody(credentials, body), traceparentOf(request));
  }

  @Get('current')
  current(@Headers(SESSION_HEADER) token: string | undefined, @Headers(BACKGROUND_HEADER) background: string | undefined): Promise<CurrentSession> {
    return this.sessions.current(token, { background: background === '1' });
  }

  @Delete('current')
  @HttpCode(204)
  close(@Headers(SESSION_HEADER) token: string | undefined, @Req() request: FastifyRequest): Promise<void> {
    return this.sessions.close(token, traceparentOf(request));
  }
}
