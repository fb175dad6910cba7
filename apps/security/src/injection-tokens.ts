/** Injects the `EventStore`. */
export const EVENT_STORE = Symbol('security.event-store');
