import { byField, defineContract } from '@millrace/contracts';
import { z } from 'zod';

// Facts about accounts that only security writes and reads. Actors are account ids; names and what was typed never stand here.

const plain = { privacy: { kind: 'none' } } as const;
const id = () => z.string().max(128).meta(plain);
const stream = byField('account', 'actor');

/** Actor of an attempt that named no account. */
export const UNKNOWN_ACTOR = 'unknown';

const refused = z.object({ actor: id(), reason: z.enum(['unknown-account', 'wrong-password', 'too-many-attempts']).meta(plain) });
const closed = z.object({ actor: id(), sessionId: id() });
const byLink = z.object({ actor: id(), method: z.enum(['login-link']).meta(plain) });

export type RefusalReason = z.infer<typeof refused>['reason'];

export const sessionRefused = defineContract({ type: 'security.session.refused', version: 1, summary: 'Someone tried to log in and was turned away.', schema: refused, stream });
export const sessionClosed = defineContract({ type: 'security.session.closed', version: 1, summary: 'Someone logged out.', schema: closed, stream });
export const accountRegistered = defineContract({ type: 'security.account.registered', version: 1, summary: 'Someone made an account with a one-time link.', schema: byLink, stream });
export const passwordReplaced = defineContract({ type: 'security.account.password-replaced', version: 1, summary: 'Someone chose a new password with a one-time link; their sessions ended.', schema: byLink, stream });
