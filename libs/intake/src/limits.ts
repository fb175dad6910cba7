/**
 * What one request and one event may cost. Chosen so that the worst accepted request stays under a second of one core and under
 * 30 MiB of memory; producers split what is larger.
 */
export interface IntakeLimits {
  /** Body as it travels and after decompression, each: 4 MiB. */
  readonly maxBytes: number;
  readonly maxEvents: number;
  /** Nesting within one event, the event object itself being 1. */
  readonly maxDepth: number;
  /** Members of one object: no contract names a tenth of it. */
  readonly maxObjectMembers: number;
  /** Members of all objects of one event: an order with the longest list of lines has 35,000. */
  readonly maxMembers: number;
  /** Data as stored (after sealing): 512 KiB (ARCHITECTURE section 3). */
  readonly maxStoredBytes: number;
  /** UTF-8 bytes of an event id and of a stream's name, each: both stand in the store's unique keys. */
  readonly maxNameBytes: number;
}

/** The limits of `POST /v1/events`. */
export const INTAKE_LIMITS: IntakeLimits = {
  maxBytes: 4 * 1024 * 1024,
  maxEvents: 500,
  maxDepth: 32,
  maxObjectMembers: 2_000,
  maxMembers: 50_000,
  maxStoredBytes: 512 * 1024,
  maxNameBytes: 200,
};
