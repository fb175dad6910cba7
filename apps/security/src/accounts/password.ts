import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { DomainError } from '@millrace/kernel';

const derive = promisify(argon2);

interface Cost {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** OWASP's first choice for argon2id: 19 MiB, two passes. About 30 ms of one core. */
const COST: Cost = { memory: 19_456, passes: 2, parallelism: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
// Each derivation takes 19 MiB: at most this many wait, so that a flood of logins costs time and not memory.
const MAX_DERIVATIONS = 16;

/** NIST SP 800-63B: length counts, composition rules don't; an upper bound so that hashing is not a lever. */
export const PASSWORD_LENGTH = { min: 12, max: 256 } as const;

let running = 0;

const deriveBounded = async (password: string, salt: Uint8Array, { memory, passes, parallelism }: Cost): Promise<Buffer> => {
  if (running >= MAX_DERIVATIONS) throw new DomainError('unavailable', 'logins-busy', { running }, 'Too many logins at once; try again shortly.');
  running += 1;
  try {
    return await derive('argon2id', { message: password.normalize('NFKC'), nonce: salt, memory, passes, parallelism, tagLength: HASH_BYTES });
  } finally {
    running -= 1;
  }
};

const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replaceAll('=', '');

/** PHC string of a password: argon2id with its cost and salt, so that the cost can rise later without asking anyone. */
export const hashPassword = async (password: string): Promise<string> => {
  const salt = randomBytes(SALT_BYTES);
  const hash = await deriveBounded(password, salt, COST);
  return `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${unpadded(salt)}$${unpadded(hash)}`;
};

const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,64})\$([A-Za-z0-9+/]{43})$/;

const UNKNOWN_ACCOUNT = { cost: COST, salt: Buffer.alloc(SALT_BYTES), hash: Buffer.alloc(HASH_BYTES) };

const parsePhc = (phc: string): typeof UNKNOWN_ACCOUNT => {
  const [, memory, passes, parallelism, salt, hash] = PHC.exec(phc) ?? [];
  if (salt === undefined || hash === undefined) throw new Error('A stored password hash is no PHC string of argon2id.');
  return { cost: { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) }, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
};

/** Whether the password is the one hashed. Without a hash (no such account) it takes as long and says no, so that names can't be probed by time. */
export const verifyPassword = async (password: string, phc: string | undefined): Promise<boolean> => {
  const { cost, salt, hash } = phc === undefined ? UNKNOWN_ACCOUNT : parsePhc(phc);
  const derived = await deriveBounded(password, salt, cost);
  return timingSafeEqual(derived, hash) && phc !== undefined;
};
