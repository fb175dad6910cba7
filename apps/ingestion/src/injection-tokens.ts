/** The `EventStore`, with ingestion's own role. */
export const STORE = Symbol('ingestion.store');
/** The `SubjectKeyProvider`: security over NATS, behind a bounded cache. */
export const KEYS = Symbol('ingestion.keys');
