import { personOf, type Person } from './person.ts';
import type { Random } from './random.ts';

/** Most visits after this many customers come from known ones; the circle still grows slowly. */
const CORE = 2000;

export interface Visitor {
  readonly person: Person;
  /** True once per customer: then the shop gets to know who it is. */
  firstCheckout(): boolean;
}

/** Who comes: new customers often at first, known ones more and more. */
export class Clientele {
  private readonly random: Random;
  private readonly people: Random;
  private readonly registered = new Set<number>();
  private known = 0;

  constructor(random: Random) {
    this.random = random.fork('clientele');
    this.people = random;
  }

  next(): Visitor {
    const isNew = this.known === 0 || this.random.chance(this.known < CORE ? 0.35 : 0.02);
    const index = isNew ? this.known : this.random.integer(0, this.known - 1);
    if (isNew) this.known += 1;
    return { person: personOf(this.people, index), firstCheckout: () => this.firstCheckout(index) };
  }

  private firstCheckout(index: number): boolean {
    const first = !this.registered.has(index);
    this.registered.add(index);
    return first;
  }
}
