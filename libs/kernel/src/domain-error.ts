/** What a caller does about an error: correct the request, look elsewhere, decide anew, ask for rights, or try again later. */
export type ErrorKind = 'invalid' | 'not-found' | 'conflict' | 'forbidden' | 'unavailable';

/** JSON-serialisable facts about an error; never personal data, tokens or payloads. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>;

/**
 * The one error the domain throws. `kind` decides what a caller does (and the HTTP status at the edge), `code` names the rule in
 * kebab-case and is stable, `message` says what was expected, what came and what to do next.
 */
export class DomainError extends Error {
  constructor(
    readonly kind: ErrorKind,
    readonly code: string,
    readonly details: ErrorDetails = {},
    message?: string,
  ) {
    super(message ?? code);
    this.name = 'DomainError';
  }
}

/** Tells an error the domain raised, safe to show, from a fault of the program, which isn't. */
export const isDomainError = (error: unknown): error is DomainError => error instanceof DomainError;
