import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { HttpProblem } from '@millrace/service-kit';
import { Upstream } from '../upstream/upstream.ts';
import { sessionOf } from './session-cookie.ts';

export interface Visitor {
  readonly name: string;
}

/** A session seen valid is not asked about again for this long, so that a page of a dozen requests asks security once; a log-out elsewhere takes effect after it. */
const TRUST_MS = 5000;
const MAX_REMEMBERED = 1000;

/** Asked by a page left to itself: an interval's refresh, which says so, or the live stream, which can't. It must not keep the session from going idle. */
const isBackground = (request: FastifyRequest): boolean => request.headers['x-millrace-background'] === '1' || /^\/api\/stream(?:\?|$)/.test(request.url);

/** Admits requests whose cookie names a session security knows. Fails closed: when security is away nobody is let in. */
@Injectable()
export class SessionGuard implements CanActivate {
  private readonly seen = new Map<string, { readonly visitor: Visitor; readonly until: number; readonly used: boolean }>();

  constructor(@Inject(Upstream) private readonly upstream: Upstream) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    await this.visitor(context.switchToHttp().getRequest<FastifyRequest>());
    return true;
  }

  /** Throws 401 `session-missing` or `session-unknown`. */
  async visitor(request: FastifyRequest): Promise<Visitor> {
    const session = sessionOf(request.headers.cookie);
    if (session === undefined) throw new HttpProblem(401, 'session-missing', 'Log in first: this address wants a session.');
    const background = isBackground(request);
    const known = this.seen.get(session);
    if (known && known.until > Date.now() && (background || known.used)) return known.visitor;
    this.seen.delete(session);
    const answer = await this.upstream.json('security', '/v1/sessions/current', { headers: { 'x-millrace-session': session, ...(background ? { 'x-millrace-background': '1' } : {}) } });
    const visitor = { name: nameIn(answer) };
    if (this.seen.size >= MAX_REMEMBERED) this.seen.clear();
    this.seen.set(session, { visitor, until: Date.now() + TRUST_MS, used: !background });
    return visitor;
  }

  forget(request: FastifyRequest): void {
    const session = sessionOf(request.headers.cookie);
    if (session !== undefined) this.seen.delete(session);
  }
}

const nameIn = (answer: unknown): string => {
  if (typeof answer === 'object' && answer !== null && 'name' in answer && typeof answer.name === 'string') return answer.name;
  throw new HttpProblem(502, 'session-answer-malformed', 'Security answered without a name.');
};
