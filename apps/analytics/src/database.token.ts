/** Injects the `DataSource` of the read-model database. */
export const DATABASE = Symbol('analytics.database');
