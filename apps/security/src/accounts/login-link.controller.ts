import { Body, Controller, Inject, Post, Req } from '@nestjs/common';
import { Allow, traceparentOf } from '@millrace/service-kit';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { parseBody } from '../request-body.ts';
import { ACCOUNT_NAME_LENGTH } from './account-name.ts';
import { Accounts, type Invitation } from './accounts.ts';
import { PASSWORD_LENGTH } from './password.ts';

const { min, max } = PASSWORD_LENGTH;
const invitation = z.strictObject({ account: z.string().min(1).max(ACCOUNT_NAME_LENGTH).optional() });
const redemption = z.strictObject({
  token: z.string().min(1).max(128),
  name: z.string().max(ACCOUNT_NAME_LENGTH).regex(/^\P{C}*[^\p{C}\s]\P{C}*$/u, `expected a name of 1 to ${ACCOUNT_NAME_LENGTH} characters`),
  // Accepted because the form asks for it one day; not kept until something is sent to it.
  email: z.email('expected an e-mail address').max(254).optional(),
  password: z.string().min(min, `expected a password of at least ${min} characters`).max(max, `expected a password of at most ${max} characters`),
});

@Controller('v1/login-links')
export class LoginLinkController {
  constructor(@Inject(Accounts) private readonly accounts: Accounts) {}

  @Post()
  @Allow('operator')
  invite(@Body() body: unknown): Promise<Invitation> {
    return this.accounts.invite(parseBody(invitation, body ?? {}).account);
  }

  @Post('redeem')
  redeem(@Body() body: unknown, @Req() request: FastifyRequest): Promise<{ name: string }> {
    return this.accounts.redeem(parseBody(redemption, body), traceparentOf(request));
  }
}
