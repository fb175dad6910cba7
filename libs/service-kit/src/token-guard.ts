import { createHash, timingSafeEqual } from 'node:crypto';
import { createParamDecorator, Inject, Injectable, SetMetadata, type CanActivate, type CustomDecorator, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '@millrace/kernel';
import { CONFIG } from './injection-tokens.ts';
import { HttpProblem } from './problem.ts';
import type { ApiToken, HttpConfig, PrincipalName } from './shared.config.ts';

const PUBLIC = 'millrace:public';
const ALLOWED = 'millrace:allowed';

/** A route (or a whole controller) that wants no bearer token. */
export const Public = (): CustomDecorator => SetMetadata(PUBLIC, true);

/** Only these principals may call the route; without it, any token's holder may. */
export const Allow = (...principals: PrincipalName[]): CustomDecorator => SetMetadata(ALLOWED, principals);

const principals = new WeakMap<object, PrincipalName>();

/** Parameter decorator: who called, `operator` or `console`; undefined on a public route. */
export const Principal = createParamDecorator((_: unknown, context: ExecutionContext) => principals.get(context.switchToHttp().getRequest<FastifyRequest>()));

/** Compares with every token in constant time, so that neither content nor place of a match shows in the duration. */
export const principalOf = (tokens: readonly ApiToken[], authorization: string | undefined): PrincipalName | undefined => {
  const [scheme, token] = (authorization ?? '').split(' ');
  if (scheme?.toLowerCase() !== 'bearer' || !token) return undefined;
  const digest = createHash('sha256').update(token).digest();
  return tokens.filter((known) => timingSafeEqual(known.sha256, digest)).at(0)?.principal;
};

@Injectable()
export class TokenGuard implements CanActivate {
  constructor(@Inject(CONFIG) private readonly config: HttpConfig, private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    // Messages over NATS are admitted by the server's permissions, not by a token.
    if (context.getType() !== 'http') return true;
    const places = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC, places)) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const principal = principalOf(this.config.apiTokens, request.headers.authorization);
    if (!principal) throw new HttpProblem(401, 'not-authenticated', 'Expected "Authorization: Bearer <token>" with a token this service knows. Check the token file.');
    const allowed = this.reflector.getAllAndOverride<PrincipalName[] | undefined>(ALLOWED, places);
    if (allowed && !allowed.includes(principal)) throw new DomainError('forbidden', 'principal-not-allowed', { principal }, `This call is for ${allowed.join(', ')}; the token given is ${principal}'s.`);
    principals.set(request, principal);
    return true;
  }
}
