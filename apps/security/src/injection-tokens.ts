/** Injects the kernel's `Clock`. */
export const CLOCK = Symbol('security.clock');
/** Injects the `EventStore`. */
export const EVENT_STORE = Symbol('security.event-store');
