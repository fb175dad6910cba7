import type { WireEvent } from '@millrace/contracts';

/** The intake's own limits are 500 events and 4 MiB; a smaller body keeps an answer, and what a lost one repeats, short. */
export const MAX_EVENTS = 500;
export const MAX_BYTES = 1024 * 1024;

/** Events on their way in one request, each already as JSON. */
export class EventBatch {
  readonly ids: string[] = [];
  /** Billed lines in it, for progress. */
  lines = 0;
  private readonly texts: string[] = [];
  private bytes = 2;

  get size(): number {
    return this.ids.length;
  }

  /** False when it doesn't fit; an event larger than the limit still goes alone. */
  add(event: WireEvent, lines: number): boolean {
    const text = JSON.stringify(event);
    const bytes = Buffer.byteLength(text) + 1;
    if (this.size > 0 && (this.size === MAX_EVENTS || this.bytes + bytes > MAX_BYTES)) return false;
    this.texts.push(text);
    this.ids.push(event.id);
    this.bytes += bytes;
    this.lines += lines;
    return true;
  }

  get body(): string {
    return `[${this.texts.join(',')}]`;
  }
}

const stringAt = (data: unknown, ...path: readonly string[]): string | undefined => {
  let value: unknown = data;
  for (const name of path) value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  return typeof value === 'string' ? value : undefined;
};

/** Events with the same key belong to one stream and must arrive in order. An order's own number comes before its customer's. */
export const streamKeyOf = ({ data, id }: WireEvent): string =>
  stringAt(data, 'orderId') ?? stringAt(data, 'productId') ?? stringAt(data, 'customer', 'number') ?? id;

/** Which of `lanes` a stream's events go through: FNV-1a, only to spread them evenly. */
export const laneOf = (key: string, lanes: number): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % lanes;
};
