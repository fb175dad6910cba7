/** The service's name, and that of its JetStream consumers. Checkpoints and parked events are kept per build of a projection. */
export const CONSUMER = 'analytics';
