/** One check of `doctor`: what was looked at, what was seen, and when it isn't well, what to do. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly remedy?: string;
}

export const finding = (name: string, ok: boolean, detail: string, remedy: string): Finding => (ok ? { name, ok, detail } : { name, ok, detail, remedy });
