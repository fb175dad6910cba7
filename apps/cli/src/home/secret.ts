import { createHash, randomBytes } from 'node:crypto';
import { makeSeedText } from '@millrace/ledger';
import { createCurve, createUser, fromSeed, fromCurveSeed } from '@nats-io/nkeys';
import { readIfThere, writePrivate } from './private-file.ts';
import type { Home } from './home.ts';

/** The secret of that name, made at first use and kept for ever: there is no default for any of them. */
const secret = (home: Home, name: string, make: () => string): string => {
  const path = secretPath(home, name);
  const found = readIfThere(path)?.trim();
  if (found !== undefined && found !== '') return found;
  const made = make();
  writePrivate(path, `${made}\n`);
  return made;
};

export const secretPath = (home: Home, name: string): string => home.path('secrets', name);

/** 256 bits; base64url, so that it needs no quoting in a URL, a header or SQL. */
const randomText = (): string => randomBytes(32).toString('base64url');

export const postgresPassword = (home: Home, role: string): string => secret(home, `postgres-${role}.password`, randomText);

export const apiToken = (home: Home, name: 'operator' | 'console'): string => secret(home, `${name}.token`, () => `mrt_${randomText()}`);

/** `operator:<sha256>,console:<sha256>`: what services compare bearer tokens with. */
export const apiTokenDigests = (home: Home): string => (['operator', 'console'] as const)
  .map((name) => `${name}:${createHash('sha256').update(apiToken(home, name)).digest('hex')}`).join(',');

/** Hex of 32 bytes; wraps every subject key. Losing it loses all personal data, so it is made once only. */
export const rootKey = (home: Home): string => secret(home, 'root.key', () => randomBytes(32).toString('hex'));

/** Ed25519 seed in hex. Who loses it starts a new ledger; who leaks it lets others sign checkpoints. */
export const ledgerSeed = (home: Home, name: 'ledger' | 'witness'): string => secret(home, `${name}.seed`, makeSeedText);

const seedText = (seed: Uint8Array): string => new TextDecoder().decode(seed);
const seedBytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Makes the NATS identity of a service if missing; answers its public key and the file its seed is in. */
export const nkeyOf = (home: Home, service: string): { publicKey: string; seedFile: string } => {
  const name = `${service}.nkey`;
  const seed = secret(home, name, () => seedText(createUser().getSeed()));
  return { publicKey: fromSeed(seedBytes(seed)).getPublicKey(), seedFile: secretPath(home, name) };
};

/** The same for the curve key that requests for data keys are sealed with. */
export const xkeyOf = (home: Home, service: string): { publicKey: string; seedFile: string } => {
  const name = `${service}.xkey`;
  const seed = secret(home, name, () => seedText(createCurve().getSeed()));
  return { publicKey: fromCurveSeed(seedBytes(seed)).getPublicKey(), seedFile: secretPath(home, name) };
};
