import { Body, Controller, Delete, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { DomainError } from '@millrace/kernel';
import { CONFIG, HttpProblem, Public } from '@millrace/service-kit';
import type { ConsoleConfig } from '../console.config.ts';
import { Upstream } from '../upstream/upstream.ts';
import { endedCookie, sessionCookie, sessionOf } from './session-cookie.ts';
import { SessionGuard } from './session-guard.ts';

// Bounds of a body; what a name and a password must be is security's to say.
const credentials = z.strictObject({ name: z.string().min(1).max(100), password: z.string().min(1).max(256) });
const firstLogin = credentials.extend({ token: z.string().min(1).max(500) });
const opened = z.object({ session: z.string() });

const parse = <T>(schema: z.ZodType<T>, body: unknown): T => {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new DomainError('invalid', 'credentials-malformed', {}, `Expected JSON with ${parsed.error.issues.map((issue) => issue.path.join('.') || 'an object').join(', ')}.`);
};

/** A form of another site can't set a header of its own: together with SameSite=Strict this keeps others from acting with a visitor's session. */
const fromOurPage = (request: FastifyRequest): void => {
  if (request.headers['x-millrace-console'] !== '1') throw new HttpProblem(403, 'not-from-console', 'Expected the header "x-millrace-console: 1", which the console\'s own page sends.');
};

/** First login by one-time link, log in, who am I, log out. */
@Public()
@Controller('api')
export class SessionController {
  constructor(@Inject(Upstream) private readonly upstream: Upstream, @Inject(SessionGuard) private readonly guard: SessionGuard, @Inject(CONFIG) private readonly config: ConsoleConfig) {}

  @Post('first-login')
  @HttpCode(200)
  async firstLogin(@Req() request: FastifyRequest, @Body() body: unknown, @Res({ passthrough: true }) reply: FastifyReply): Promise<{ name: string }> {
    fromOurPage(request);
    const { token, name, password } = parse(firstLogin, body);
    await this.upstream.json('security', '/v1/login-links/redeem', { method: 'POST', body: { token, name, password } });
    return this.open(name, password, reply);
  }

  @Post('session')
  @HttpCode(200)
  async logIn(@Req() request: FastifyRequest, @Body() body: unknown, @Res({ passthrough: true }) reply: FastifyReply): Promise<{ name: string }> {
    fromOurPage(request);
    const { name, password } = parse(credentials, body);
    return this.open(name, password, reply);
  }

  @Get('session')
  current(@Req() request: FastifyRequest): Promise<{ name: string }> {
    return this.guard.visitor(request);
  }

  @Delete('session')
  @HttpCode(204)
  async logOut(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    fromOurPage(request);
    const session = sessionOf(request.headers.cookie);
    this.guard.forget(request);
    void reply.header('set-cookie', endedCookie(this.config.secureCookie));
    if (session !== undefined) await this.upstream.json('security', '/v1/sessions/current', { method: 'DELETE', headers: { 'x-millrace-session': session } });
  }

  private async open(name: string, password: string, reply: FastifyReply): Promise<{ name: string }> {
    const { session } = opened.parse(await this.upstream.json('security', '/v1/sessions', { method: 'POST', body: { name, password } }));
    void reply.header('set-cookie', sessionCookie(session, this.config.secureCookie));
    return { name };
  }
}
