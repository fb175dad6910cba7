import type { Figures, LogEvent } from './history.ts';
import { randomOf } from './random.ts';

// A second way to the platform's numbers: it shares no code with analytics or the warehouse, reads nothing but the log, and counts in
// integers of a millionth.

const PLACES = 6;
const millionths = (text: string): bigint => {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(PLACES, '0'));
};
export const plainNumber = (text: string): string => (text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text);
const textOf = (sum: bigint): string => {
  const digits = (sum < 0n ? -sum : sum).toString().padStart(PLACES + 1, '0');
  return plainNumber(`${sum < 0n ? '-' : ''}${digits.slice(0, -PLACES)}.${digits.slice(-PLACES)}`);
};

/** A log's event with the log's name: what a fold over several logs meets, in any merge of them. */
export interface PlacedEvent { readonly log: string; readonly event: LogEvent }

interface Line { readonly placedAt: string; readonly productId: string; readonly quantity: number; readonly unitPrice: string; readonly kind: string }

/** A random merge of the logs: each in its own order, and no order between them. */
export const interleaved = (logs: Readonly<Record<string, readonly LogEvent[]>>, seed: string): PlacedEvent[] => {
  const random = randomOf('interleaving', seed);
  const rest = Object.entries(logs).map(([log, events]) => ({ log, events, at: 0 })).filter(({ events }) => events.length > 0);
  const merged: PlacedEvent[] = [];
  while (rest.length > 0) {
    const index = random.between(0, rest.length - 1);
    const from = rest[index]!;
    merged.push({ log: from.log, event: from.events[from.at]! });
    from.at += 1;
    if (from.at === from.events.length) rest.splice(index, 1);
  }
  return merged;
};

interface Ranked { readonly rank: string; readonly country: string }

/** Latest by time, then log, then position: the order the logs were read in must not show. */
const keepLatest = (countries: Map<string, Ranked>, ref: string, { time, log, position, country }: { readonly time: string; readonly log: string; readonly position: number; readonly country: string }): void => {
  const rank = `${time} ${log} ${String(position).padStart(12, '0')}`;
  const known = countries.get(ref);
  if (known === undefined || known.rank < rank) countries.set(ref, { rank, country });
};

class Fold {
  private readonly sums = new Map<string, bigint>();
  private readonly counts = new Map<string, number>([['placed', 0], ['cancelled', 0]]);
  private readonly buyers = new Set<string>();
  private readonly countries = new Map<string, Ranked>();
  /** Of customers that nothing but orders names. */
  private readonly orderedFrom = new Map<string, Ranked>();

  take({ log, event }: PlacedEvent): void {
    if (event.type.startsWith('sales.order.')) this.order(log, event);
    if (event.type.startsWith('customer.')) this.customer(log, event);
  }

  private add(name: string, amount: bigint): void { this.sums.set(name, (this.sums.get(name) ?? 0n) + amount); }
  private count(name: string, by = 1): void { this.counts.set(name, (this.counts.get(name) ?? 0) + by); }

  private order(log: string, { type, position, data }: LogEvent): void {
    const currency = String(data['currency']);
    const country = data['country'];
    const ref = (data['customer'] as { ref?: string } | undefined)?.ref;
    const billing = type.slice('sales.order.'.length);
    if (billing === 'placed') this.count(`orders country=${String(data['country'])}`);
    for (const { placedAt, productId, quantity, unitPrice } of data['lines'] as Line[]) {
      if (ref !== undefined && typeof country === 'string') keepLatest(this.orderedFrom, ref, { time: placedAt, log, position, country });
      const amount = BigInt(quantity) * millionths(unitPrice);
      this.count(billing);
      this.add(`gross ${currency}`, amount);
      this.add(`gross ${currency} product=${productId}`, amount);
      if (ref === undefined || quantity <= 0 || millionths(unitPrice) <= 0n) continue;
      this.add(`clean ${currency} customer=${ref}`, amount);
      this.count(`units product=${productId}`, quantity);
      this.buyers.add(ref);
    }
  }

  private customer(log: string, { time, position, data }: LogEvent): void {
    keepLatest(this.countries, String((data['customer'] as { ref?: string }).ref), { time, log, position, country: String(data['country']) });
  }

  figures(): Figures {
    return {
      ...Object.fromEntries([...this.sums].map(([name, sum]) => [name, textOf(sum)])), ...Object.fromEntries([...this.counts].map(([name, count]) => [name, String(count)])), buyers: String(this.buyers.size),
      ...Object.fromEntries([...this.orderedFrom, ...this.countries].map(([ref, { country }]) => [`country customer=${ref}`, country])),
    };
  }
}

/** All figures of one merge of the logs. */
export const foldOf = (events: readonly PlacedEvent[]): Figures => {
  const fold = new Fold();
  for (const event of events) fold.take(event);
  return fold.figures();
};
