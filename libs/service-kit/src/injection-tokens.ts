/** Provided to every module of an app built by `buildService`. */
export const CONFIG = Symbol('millrace.config');
/** The service's `Clock`: the machine's, moved in a fault drill. */
export const CLOCK = Symbol('millrace.clock');
/** A pino `Logger`. */
export const LOGGER = Symbol('millrace.logger');
/** A prom-client `Registry`: the app registers its own metrics here, `/metrics` prints it. */
export const METRICS = Symbol('millrace.metrics');
/** Name of the service, as in its service.yaml. */
export const SERVICE = Symbol('millrace.service');
/** `ProjectionOperations` of the service, for `ProjectionsController`. */
export const PROJECTIONS = Symbol('millrace.projections');
/** `ParkedOperations` of the service, for `ParkedController`. */
export const PARKED = Symbol('millrace.parked');
