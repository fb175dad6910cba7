import { DomainError, type ErrorKind } from '@millrace/kernel';
import type { KeyPair } from '@nats-io/nkeys';
import { z } from 'zod';
import type { SubjectKeys } from './subject-keys.ts';

/** NATS subjects on which security answers questions for keys. */
export const KEY_SUBJECTS = {
  resolve: 'query.security.keys.resolve',
  find: 'query.security.keys.find',
  'keys-of': 'query.security.keys.keys-of',
} as const;
export type KeyOperation = keyof typeof KEY_SUBJECTS;

/** Bounds of one request, well below NATS' 1 MB message with curve box and answer. */
export const KEY_REQUEST_BOUNDS = { maxItems: 256, maxIdentifiers: 8, maxPurposes: 8, maxBytes: 512 * 1024 } as const;

const purposes = z.array(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/)).max(KEY_REQUEST_BOUNDS.maxPurposes);
const tenant = z.string().regex(/^[a-z0-9-]{1,32}$/);
const nonce = z.string().min(16).max(64);
const named = z.strictObject({
  identifiers: z.array(z.strictObject({ kind: z.string().max(32), value: z.string().max(1024) })).min(1).max(KEY_REQUEST_BOUNDS.maxIdentifiers),
  purposes,
});
const referred = z.strictObject({ ref: z.string().regex(/^sub_[0-9a-f]{32}$/), purposes });
const many = <Item extends z.ZodType>(item: Item) => z.array(item).min(1).max(KEY_REQUEST_BOUNDS.maxItems);

const requestSchema = z.discriminatedUnion('operation', [
  z.strictObject({ operation: z.literal('resolve'), nonce, tenant, items: many(named) }),
  z.strictObject({ operation: z.literal('find'), nonce, tenant, items: many(named) }),
  z.strictObject({ operation: z.literal('keys-of'), nonce, tenant, items: many(referred) }),
]);

/** One question for keys on its way to security. The nonce comes back in the answer, so an old answer can't be played again. */
export type KeyRequest = z.infer<typeof requestSchema>;
export type NamedItem = z.infer<typeof named>;
export type ReferredItem = z.infer<typeof referred>;

const answerSchema = z.object({
  nonce,
  refused: z.object({ kind: z.enum(['invalid', 'not-found', 'conflict', 'forbidden', 'unavailable']), code: z.string().max(64) }).optional(),
  answers: z.array(z.object({ ref: z.string(), keys: z.array(z.tuple([z.string(), z.int(), z.string()])) }).nullable()).optional(),
});
type WireAnswer = z.infer<typeof answerSchema>;

/** What security answers: keys in the order of the items, or why not. */
export type KeyAnswer =
  | { readonly nonce: string; readonly subjects: readonly (SubjectKeys | undefined)[] }
  | { readonly nonce: string; readonly refused: { readonly kind: ErrorKind; readonly code: string } };

const XKEY_LENGTH = 56;
const XKEY = /^X[A-Z2-7]{55}$/;
const SEALED = 1;
const REFUSED = 0;

const malformed = (): DomainError =>
  new DomainError('invalid', 'key-request-malformed', {}, `A key request is the caller's public curve key (${XKEY_LENGTH} characters) and a box sealed to security with it.`);

/** The box opened, or undefined whatever is wrong with it: the library answers null, or throws on a short or foreign one. */
const openBox = (box: Uint8Array, own: KeyPair, sender: string): Uint8Array | undefined => {
  try {
    return own.open(box, sender) ?? undefined;
  } catch {
    return undefined;
  }
};

const parseJson = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
};

/** Caller's public curve key ‖ box only security opens. */
export const sealKeyRequest = (request: KeyRequest, own: KeyPair, ownPublicKey: string, security: string): Uint8Array =>
  Buffer.concat([Buffer.from(ownPublicKey), own.seal(Buffer.from(JSON.stringify(request)), security)]);

/**
 * Opens a request of a caller in `allowed` (public curve keys); the curve box proves that the caller holds the key's other half.
 * DomainError `forbidden` (`xkey-unknown`), `invalid` (`key-request-malformed`).
 */
export const openKeyRequest = (bytes: Uint8Array, own: KeyPair, allowed: ReadonlySet<string>): { from: string; request: KeyRequest } => {
  if (bytes.length > KEY_REQUEST_BOUNDS.maxBytes * 2) throw malformed();
  const from = Buffer.from(bytes.subarray(0, XKEY_LENGTH)).toString('latin1');
  if (!XKEY.test(from)) throw malformed();
  if (!allowed.has(from)) throw new DomainError('forbidden', 'xkey-unknown', {}, 'Keys are handed out only to the curve keys named in MILLRACE_XKEYS.');
  const plain = openBox(bytes.subarray(XKEY_LENGTH), own, from);
  const request = plain && requestSchema.safeParse(parseJson(plain));
  if (!request?.success) throw malformed();
  return { from, request: request.data };
};

/** A one-byte mark ‖ box only the caller opens. */
export const sealKeyAnswer = (answer: KeyAnswer, own: KeyPair, to: string): Uint8Array => {
  const wire: WireAnswer = 'refused' in answer
    ? { nonce: answer.nonce, refused: answer.refused }
    : { nonce: answer.nonce, answers: answer.subjects.map((subject) => (subject ? { ref: subject.ref, keys: [...subject.keys.values()].map(({ purpose, epoch, key }) => [purpose, epoch, Buffer.from(key).toString('base64')]) } : null)) };
  return Buffer.concat([Buffer.of(SEALED), own.seal(Buffer.from(JSON.stringify(wire)), to)]);
};

/** An answer to who can't be answered sealed, because their key is unknown or their box did not open. Says only the code. */
export const refuseKeyRequest = (code: string): Uint8Array => Buffer.concat([Buffer.of(REFUSED), Buffer.from(code)]);

const subjectOf = (answer: NonNullable<WireAnswer['answers']>[number]): SubjectKeys | undefined =>
  (answer ? { ref: answer.ref, keys: new Map(answer.keys.map(([purpose, epoch, key]) => [purpose, { purpose, epoch, key: Buffer.from(key, 'base64') }])) } : undefined);

/** Opens security's answer to the request with this nonce. DomainError `unavailable` (`keys-unavailable`) for anything else: fail closed. */
export const openKeyAnswer = (bytes: Uint8Array, own: KeyPair, security: string, expectedNonce: string): KeyAnswer => {
  const unusable = (reason: string): DomainError => new DomainError('unavailable', 'keys-unavailable', { reason }, `Security gave no usable answer (${reason}); nothing is sealed until it does.`);
  if (bytes[0] === REFUSED) throw unusable(Buffer.from(bytes.subarray(1, 65)).toString('latin1').replaceAll(/[^a-z-]/g, ''));
  const plain = bytes[0] === SEALED ? openBox(bytes.subarray(1), own, security) : undefined;
  const answer = plain && answerSchema.safeParse(parseJson(plain));
  if (!answer?.success) throw unusable('not-security');
  if (answer.data.nonce !== expectedNonce) throw unusable('answer-to-another-request');
  const { refused, answers, nonce: echoed } = answer.data;
  return refused ? { nonce: echoed, refused } : { nonce: echoed, subjects: (answers ?? []).map((each) => subjectOf(each)) };
};

