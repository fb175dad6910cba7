import type { LoggerService } from '@nestjs/common';
import { isDomainError } from '@millrace/kernel';
import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

const isSpeakable = (error: Error): boolean =>
  isDomainError(error) || 'syscall' in error || error instanceof TypeError || error instanceof ReferenceError || /nats|jetstream|timeout/i.test(error.name);

/**
 * An error as it may be logged: name, code, where it was thrown. Its message is kept only for kinds of errors that never quote input:
 * JSON's and Postgres' do, and what they quote may be personal data.
 */
export const loggableError = (error: unknown): Record<string, unknown> => {
  if (!(error instanceof Error)) return { name: typeof error };
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)).map((line) => line.trim());
  return {
    name: error.name,
    ...('code' in error ? { code: error.code } : {}),
    message: isSpeakable(error) ? error.message : '(withheld: may quote input)',
    ...(isDomainError(error) ? { kind: error.kind, details: error.details } : {}),
    ...(error.cause instanceof Error ? { cause: loggableError(error.cause) } : {}),
    frames: frames.slice(0, 12),
  };
};

/** JSON lines on standard output: `time`, `level`, `service`, a constant `msg`, data in fields. `err` goes through `loggableError`. */
export const makeLogger = (service: string, level: string, destination?: DestinationStream): Logger => pino({
  level,
  base: { service },
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label) => ({ level: label }) },
  serializers: { err: loggableError },
}, destination ?? pino.destination({ fd: 1, sync: true }));

/** Nest's own lines, so that its text stands in a field and the message stays constant. */
export const nestLogger = (logger: Logger): LoggerService => {
  const fields = (message: unknown, rest: unknown[]) =>
    ({ ...(message instanceof Error ? { err: message } : { text: String(message) }), scope: rest.filter((part) => typeof part === 'string').at(-1) });
  return {
    log: (message: unknown, ...rest: unknown[]) => logger.debug(fields(message, rest), 'nest'),
    debug: (message: unknown, ...rest: unknown[]) => logger.debug(fields(message, rest), 'nest'),
    verbose: (message: unknown, ...rest: unknown[]) => logger.trace(fields(message, rest), 'nest'),
    warn: (message: unknown, ...rest: unknown[]) => logger.warn(fields(message, rest), 'nest'),
    error: (message: unknown, ...rest: unknown[]) => logger.error(fields(message, rest), 'nest'),
    fatal: (message: unknown, ...rest: unknown[]) => logger.fatal(fields(message, rest), 'nest'),
  };
};
