import { Catch, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LOGGER } from './injection-tokens.ts';
import type { Logger } from './logger.ts';
import { problemOf, type Problem } from './problem.ts';
import { RareLines } from './rare-lines.ts';
import { traceIdOf } from './trace-id.ts';

/** The one place an error becomes an HTTP answer. Non-HTTP transports map errors themselves. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly outages = new RareLines();

  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw error;
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const { body, retryAfterSeconds, unexpected } = problemOf(error, traceIdOf(request));
    if (unexpected) this.logger.error({ err: error, traceId: body.traceId, route: request.routeOptions.url }, 'request failed unexpectedly');
    else if (body.status >= 500) this.tellOutage(body, request.routeOptions.url);
    // A streamed answer has its head sent already: only the connection can tell the client.
    if (reply.sent || reply.raw.headersSent) {
      reply.raw.destroy();
      return;
    }
    if (retryAfterSeconds !== undefined) void reply.header('retry-after', String(retryAfterSeconds));
    if (body.status === 401) void reply.header('www-authenticate', 'Bearer');
    void reply.status(body.status).header('content-type', 'application/problem+json').send(JSON.stringify(body));
  }

  /** What is away is no fault of ours, but whoever got its traceId must find it in the log. */
  private tellOutage({ code, traceId }: Problem, route: string | undefined): void {
    const leftOut = this.outages.leftOutBefore(code);
    if (leftOut !== undefined) this.logger.warn({ code, traceId, route, ...(leftOut === 0 ? {} : { leftOut }) }, 'request failed');
  }
}
