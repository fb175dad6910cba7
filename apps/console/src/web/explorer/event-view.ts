/** As the glossary says it. */
export const EPOCH_MEANS = 'The life of a log between recoveries; positions are comparable only within one.';

/** An event as backbone answers it. */
export interface EventView {
  readonly log: string;
  readonly position: number;
  readonly epoch: number;
  readonly streamVersion: number;
  readonly leaf: string;
  readonly salt: string;
  readonly envelope: Readonly<Record<string, string | number>> & { readonly id: string; readonly type: string; readonly time: string; readonly stream: string; readonly via: string };
  readonly data: unknown;
  /** How it is read today, when its type has a newer version than it was stored in. */
  readonly current?: { readonly version: number; readonly data: unknown };
}

export interface Sealed {
  readonly subject: string;
  readonly purpose: string;
  readonly epoch: number;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What is known of a sealed value without its key; undefined for anything else. */
export const sealedIn = (value: unknown): Sealed | undefined => {
  const sealed = isRecord(value) ? value['$sealed'] : undefined;
  if (!isRecord(sealed)) return undefined;
  return { subject: String(sealed['subject']), purpose: String(sealed['purpose']), epoch: Number(sealed['epoch']) };
};

export type Shape = { readonly kind: 'sealed'; readonly sealed: Sealed } | { readonly kind: 'branch'; readonly entries: readonly (readonly [string, unknown])[]; readonly isList: boolean } | { readonly kind: 'leaf'; readonly text: string };

/** How a value of an event's data is shown. */
export const shapeOf = (value: unknown): Shape => {
  const sealed = sealedIn(value);
  if (sealed) return { kind: 'sealed', sealed };
  if (Array.isArray(value)) return { kind: 'branch', entries: value.map((item, index) => [String(index), item] as const), isList: true };
  if (isRecord(value)) return { kind: 'branch', entries: Object.entries(value), isList: false };
  return { kind: 'leaf', text: typeof value === 'string' ? value : JSON.stringify(value) };
};

/** Whom an event's sealed fields are about, each once. */
export const subjectsIn = (value: unknown): string[] => {
  const shape = shapeOf(value);
  if (shape.kind === 'leaf') return [];
  return shape.kind === 'sealed' ? [shape.sealed.subject] : [...new Set(shape.entries.flatMap(([, child]) => subjectsIn(child)))];
};
