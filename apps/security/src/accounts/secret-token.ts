import { hash, randomBytes } from 'node:crypto';

/** 256 random bits as base64url: a session's or login link's token. Known to its holder only. */
export const newToken = (): string => randomBytes(32).toString('base64url');

/** What is stored of a token. No salt or cost is needed: 256 random bits can't be guessed. */
export const tokenHash = (token: string): Buffer => hash('sha256', token, 'buffer');
