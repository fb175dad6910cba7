import { createPrivateKey, createPublicKey, hash, randomBytes, sign, verify, type KeyObject } from 'node:crypto';
import { DomainError } from '@millrace/kernel';
import { decodeBase64 } from './base64.ts';

/** What a key signs: a log its note's text (type 0x01), a witness its observation of it with the time (0x04, tlog-cosignature v1). */
export type KeyPurpose = 'log' | 'witness';

const TYPE: Readonly<Record<KeyPurpose, number>> = { log: 1, witness: 4 };
const ED25519_BYTES = 32;
/** What PKCS #8 and SubjectPublicKeyInfo put before the 32 bytes of an Ed25519 key (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

const malformed = (message: string): DomainError => new DomainError('invalid', 'ledger-key-malformed', {}, message);

/** A key's name has no Unicode space and no plus (C2SP signed-note). */
export const isKeyName = (name: string): boolean => name.length > 0 && name.isWellFormed() && !/[\s+\p{Z}\p{Cc}]/u.test(name);

const requireKeyName = (name: string): void => {
  if (!isKeyName(name)) throw malformed('A key name is not empty and has neither spaces nor plus signs.');
};

/** SHA-256(name ‖ 0x0A ‖ type ‖ public key), its first four bytes. */
const keyIdOf = (name: string, typed: Uint8Array): Buffer => hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), typed]), 'buffer').subarray(0, 4);

/** A public key of a log or a witness, by name. */
export class VerifierKey {
  readonly keyId: Buffer;
  private readonly key: KeyObject;

  constructor(readonly name: string, readonly purpose: KeyPurpose, private readonly publicKey: Uint8Array) {
    requireKeyName(name);
    this.keyId = keyIdOf(name, this.typed);
    this.key = createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' });
  }

  private get typed(): Buffer {
    return Buffer.concat([Buffer.of(TYPE[this.purpose]), this.publicKey]);
  }

  /** The text form `name+hex of the key id+base64 of type and key`; throws `ledger-key-malformed` when the parts don't belong together. */
  static parse(text: string): VerifierKey {
    const [, name = '', id = '', encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) ?? [];
    const typed = decodeBase64(encoded);
    const purpose = (['log', 'witness'] as const).find((one) => TYPE[one] === typed?.[0]);
    if (typed === undefined || purpose === undefined || typed.length !== ED25519_BYTES + 1) throw malformed('A verifier key is written <name>+<8 hex digits>+<base64 of type and Ed25519 key>; this is not of that form.');
    const key = new VerifierKey(name, purpose, typed.subarray(1));
    if (key.keyId.toString('hex') !== id) throw malformed(`The verifier key of ${name} contradicts its own key id ${id}: it was changed or cut when it was copied.`);
    return key;
  }

  toString(): string {
    return `${this.name}+${this.keyId.toString('hex')}+${this.typed.toString('base64')}`;
  }

  /** In JSON, a printed config for one, it is its text. */
  toJSON(): string {
    return this.toString();
  }

  /** Whether an Ed25519 signature over these bytes is this key's. */
  verifies(message: Uint8Array, signature: Uint8Array): boolean {
    return verify(null, message, this.key, signature);
  }
}

/** A private key, made from a 32-byte seed (RFC 8032). Keep it out of logs; it has no text form. */
export class SigningKey {
  readonly verifier: VerifierKey;
  private readonly key: KeyObject;

  constructor(name: string, purpose: KeyPurpose, seed: Uint8Array) {
    if (seed.length !== ED25519_BYTES) throw malformed(`An Ed25519 seed has ${ED25519_BYTES} bytes; got ${seed.length}.`);
    this.key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
    this.verifier = new VerifierKey(name, purpose, createPublicKey(this.key).export({ format: 'der', type: 'spki' }).subarray(SPKI.length));
  }

  /** From a seed as a secret file keeps it: 64 hex digits. */
  static fromSeedText(name: string, purpose: KeyPurpose, text: string): SigningKey {
    if (!/^[0-9a-f]{64}$/.test(text.trim())) throw malformed('A seed file holds 64 hex digits and nothing else.');
    return new SigningKey(name, purpose, Buffer.from(text.trim(), 'hex'));
  }

  sign(message: Uint8Array): Buffer {
    return sign(null, message, this.key);
  }
}

/** A fresh seed in the form `fromSeedText` reads. */
export const makeSeedText = (): string => randomBytes(ED25519_BYTES).toString('hex');
