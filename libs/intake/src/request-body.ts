import { isUtf8 } from 'node:buffer';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { DomainError } from '@millrace/kernel';
import type { IntakeLimits } from './limits.ts';

const gunzipBounded = promisify(gunzip);

const tooLarge = (maxBytes: number): DomainError =>
  new DomainError('invalid', 'body-too-large', { maxBytes }, `A body has at most ${maxBytes} bytes, also when decompressed; this one has more. Nothing was taken in; send fewer events per request.`);

const unpack = async (body: Buffer, maxBytes: number): Promise<Buffer> => {
  try {
    return await gunzipBounded(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes);
    throw new DomainError('invalid', 'gzip-malformed', { bytes: body.length }, 'The body is announced as gzip but does not decompress; send it again, or without content-encoding.');
  }
};

/**
 * The bytes of a request's text: decompressed within `limits.maxBytes` (a bomb costs no more than that) and checked to be UTF-8.
 * DomainError `invalid`: `content-encoding-unsupported`, `body-too-large`, `gzip-malformed`, `not-utf8`.
 */
export const readBody = async (body: Buffer, contentEncoding: string | undefined, limits: IntakeLimits): Promise<Buffer> => {
  const encoding = contentEncoding?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'gzip' && encoding !== 'identity') {
    throw new DomainError('invalid', 'content-encoding-unsupported', { encoding: encoding.slice(0, 40) }, 'Expected content-encoding gzip or none. Nothing was taken in.');
  }
  if (body.length > limits.maxBytes) throw tooLarge(limits.maxBytes);
  const text = encoding === 'gzip' ? await unpack(body, limits.maxBytes) : body;
  if (!isUtf8(text)) throw new DomainError('invalid', 'not-utf8', { bytes: text.length }, 'The body is not valid UTF-8, the one encoding of JSON (RFC 8259). Nothing was taken in; convert it and send it again.');
  return text;
};
