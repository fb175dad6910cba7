/** The least a SQL connection must do: pg's clients and TypeORM's EntityManager both fit. Values go as parameters, never into the text. */
export interface Sql {
  query(text: string, values?: unknown[]): Promise<unknown>;
}

/** One SQL statement with its values. */
export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** Rows of a select: pg answers `{rows}`, TypeORM the rows themselves. Values are as the driver gives them: the caller parses. */
export const rowsOf = (result: unknown): readonly Readonly<Record<string, unknown>>[] => {
  if (Array.isArray(result)) return result;
  if (typeof result === 'object' && result !== null && 'rows' in result && Array.isArray(result.rows)) return result.rows;
  return [];
};
