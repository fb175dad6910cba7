import type { ProjectedEvent, Projection } from './projection.ts';
import type { Sql, Statement } from './sql.ts';

/** A projection as data: event type -> the statements that event causes, run in log order. Pure rules, testable without a database. */
export const statementProjection = (definition: {
  readonly name: string;
  readonly version: number;
  readonly on: Readonly<Record<string, (event: ProjectedEvent) => Statement | readonly Statement[]>>;
}): Projection<Sql> => ({
  name: definition.name,
  version: definition.version,
  types: Object.keys(definition.on),
  async apply(tx, events) {
    for (const event of events) {
      const rule = definition.on[event.stored.envelope.type];
      if (!rule) continue;
      const statements = rule(event);
      for (const { text, values } of Array.isArray(statements) ? statements : [statements]) await tx.query(text, values ? [...values] : []);
    }
  },
});
