/** Under this name the service's checkpoints and parked events are kept, and its JetStream consumers made. */
export const CONSUMER = 'analytics';
