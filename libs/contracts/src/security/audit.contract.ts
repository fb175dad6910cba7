import { z } from 'zod';
import { byField, defineContract } from '../define-contract.ts';
import { code, id, oneOf, text } from '../field.ts';

// Actors are accounts of the shop's own staff or services, by account id, never by name.

const revealed = z.object({
  actor: id(),
  reason: text(500),
  field: oneOf('customer-number', 'name', 'email', 'phone', 'address', 'ip'),
  refs: z.array(id()).min(1).max(1000),
  outcome: oneOf('revealed', 'refused'),
  code: code().optional(),
});
const sessionOpened = z.object({ actor: id(), sessionId: id(), method: oneOf('password', 'login-link') });

export type IdentifierRevealed = z.infer<typeof revealed>;
export type SessionOpened = z.infer<typeof sessionOpened>;

const stream = byField('account', 'actor');

export const auditContracts = [
  defineContract({ type: 'security.identifier.revealed', version: 1, summary: 'Someone asked to see personal data; says who, why, which subjects, and whether they got it.', schema: revealed, stream }),
  defineContract({ type: 'security.session.opened', version: 1, summary: 'Someone logged in.', schema: sessionOpened, stream }),
];
