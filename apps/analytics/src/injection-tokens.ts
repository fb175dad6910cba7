/** Injects the `DataSource` that moves the read models. */
export const DATABASE = Symbol('analytics.database');
/** Injects a `DataSource` of its own for what operators start. */
export const ASIDE = Symbol('analytics.aside');
/** Injects a `DataSource` of its own for questions: however many are asked, the consumer keeps its connections. */
export const QUESTIONS = Symbol('analytics.questions');
