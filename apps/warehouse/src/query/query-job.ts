import type { JsonValue } from './result-value.ts';

/** What a query process is given. It imports nothing of the service, so that it stays small and knows nothing. */
export interface QueryJob {
  readonly views: readonly { readonly name: string; readonly sql: string }[];
  /** The only files it can read once it is locked. */
  readonly files: readonly string[];
  /** Names a query may use after FROM. */
  readonly tables: readonly string[];
  readonly sql: string;
  readonly maxRows: number;
  readonly maxBytes: number;
  readonly memoryLimit: string;
}

export interface QueryResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly Readonly<Record<string, JsonValue>>[];
}

export type QueryOutcome = ({ readonly ok: true } & QueryResult) | { readonly ok: false; readonly code: string; readonly message: string };
