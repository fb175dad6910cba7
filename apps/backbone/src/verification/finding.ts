/** What verification found wrong. */
export type FindingKind =
  /** No row stands at these positions, or several. */
  | 'missing' | 'extra'
  /** What was stored is not what was signed. */
  | 'altered'
  /** A column contradicts the envelope, or the log around it. */
  | 'column' | 'stream-version' | 'identity'
  /** Data is gone without a fact that says so. */
  | 'redaction'
  /** What proves the log, not the log itself. */
  | 'tile' | 'checkpoint' | 'leaves'
  /** The log does not give the signed root, and nothing authentic is left that could say at which position. */
  | 'root'
  /** An earlier epoch's cosigned tree is not the beginning of this one. */
  | 'epoch';

export interface Finding {
  readonly kind: FindingKind;
  /** Where it is; absent when it concerns the log as a whole. */
  readonly position?: number;
  /** Last position, for a range. */
  readonly through?: number;
  readonly what: string;
}

/** How a log came out. */
export interface Verdict {
  readonly tenant: string;
  readonly log: string;
  /** Leaves of the cosigned tree it was held against; 0 without one. */
  readonly size: number;
  readonly cosignedAt?: string;
  readonly witness: 'heard' | 'not heard';
  /** Events looked at, those after the cosigned tree included. */
  readonly events: number;
  /** Positions whose data has given way to its digest, rightly. */
  readonly redacted: readonly number[];
  readonly findings: number;
}
