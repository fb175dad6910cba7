import type { IncomingMessage } from 'node:http';
import { HttpProblem } from '@millrace/service-kit';

/** How large a body a route reads, and what its sender is told to do about a larger one. */
export interface BodyBound {
  readonly maxBytes: number;
  readonly remedy: string;
}

/** Bytes of the body as its sender announced them; undefined when it comes in chunks of unknown number. */
export const announcedBytes = ({ headers }: Pick<IncomingMessage, 'headers'>): number | undefined => {
  if (headers['transfer-encoding'] !== undefined) return undefined;
  return Number(headers['content-length'] ?? 0);
};

const tooLarge = ({ maxBytes, remedy }: BodyBound, announced: number | undefined): HttpProblem =>
  new HttpProblem(413, 'body-too-large', `A body has at most ${maxBytes} bytes; this one has ${announced ?? 'more'}. Nothing was taken in; ${remedy}.`);

const brokenOff = (): HttpProblem => new HttpProblem(400, 'body-incomplete', 'The body broke off before its end. Nothing was taken in; send it again.');

/**
 * The body of a request whose sender is known: nothing is read before it is asked for. HttpProblem 413 (`body-too-large`) as soon as it shows,
 * with the rest left unread, and 400 (`body-incomplete`).
 */
export const readBytes = (request: IncomingMessage, bound: BodyBound): Promise<Buffer> => {
  const announced = announcedBytes(request);
  if ((announced ?? 0) > bound.maxBytes) return Promise.reject(tooLarge(bound, announced));
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes <= bound.maxBytes) chunks.push(chunk);
    else {
      request.off('data', onData).pause();
      reject(tooLarge(bound, announced));
    }
  };
  const onBroken = (): void => { reject(brokenOff()); };
  request.on('data', onData).once('end', () => { resolve(Buffer.concat(chunks, bytes)); }).once('error', onBroken).once('close', onBroken);
  if (request.destroyed) onBroken();
  return promise;
};

/** What is read of a body that nobody wants, so that its sender is still there for the answer. */
export interface Patience {
  readonly maxBytes: number;
  readonly maxMs: number;
}

/** Reads a request to its end and keeps nothing. False when it went on longer than that, in bytes or time. */
export const discardRest = (request: IncomingMessage, { maxBytes, maxMs }: Patience): Promise<boolean> => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let bytes = 0;
  const finish = (): void => {
    clearTimeout(timer);
    request.off('data', onData).off('end', finish).off('error', finish).off('close', finish).pause();
    resolve(request.complete);
  };
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > maxBytes) finish();
  };
  const timer = setTimeout(finish, maxMs);
  request.on('data', onData).on('end', finish).on('error', finish).on('close', finish).resume();
  if (request.destroyed) finish();
  return promise;
};
