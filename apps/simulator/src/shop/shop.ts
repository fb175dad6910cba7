import { type Act, type Fact, type ReservationOutcome, type ReservationWish, type Story } from './act.ts';
import { assortmentOf, CURRENCY, priceText, type Product } from './assortment.ts';
import { Clientele } from './clientele.ts';
import type { Random } from './random.ts';
import { visitStory } from './visit.ts';

const PRODUCTS = 120;
const OPENING_UNITS = 400;
/** Visits going on at once: enough for their events to interleave. */
const VISITS_AT_ONCE = 30;

export interface ShopClock {
  now(): Date;
}

interface RunningStory {
  readonly story: Story;
  /** Act number at which a pausing story goes on. */
  wakesAt: number;
}

/** What the shop does next: a fact to send, or a reservation whose outcome must be handed back. */
export type NextAct =
  | { readonly kind: 'fact'; readonly fact: Fact }
  | { readonly kind: 'reserve'; readonly wish: ReservationWish; answer(outcome: ReservationOutcome): void };

/**
 * A small shop that goes on for ever. Everything it does follows from the seed, apart from the clock and the outcomes of
 * reservations. `run` tells this run's sessions and orders from those of earlier runs of the same seed.
 */
export class Shop {
  readonly products: readonly Product[];
  private readonly random: Random;
  private readonly clientele: Clientele;
  private readonly clock: ShopClock;
  private readonly run: string;
  private readonly running: RunningStory[] = [];
  private readonly later: RunningStory[] = [];
  private visits = 0;
  private acts = 0;

  constructor(random: Random, clock: ShopClock, run: string) {
    this.random = random.fork('shop');
    this.clientele = new Clientele(random);
    this.products = assortmentOf(random, PRODUCTS);
    this.clock = clock;
    this.run = run;
  }

  /** What was there before the doors opened: the same facts in every run, sent under the same ids. */
  openingFacts(): Fact[] {
    return this.products.flatMap(({ productId, name, category, cents }) => [
      { type: 'merchandise.product.listed', data: { productId, name, category, price: priceText(cents), currency: CURRENCY } },
      { type: 'inventory.stock.received', data: { productId, quantity: OPENING_UNITS, supplier: 'supplier-1' } },
    ]);
  }

  next(): NextAct {
    for (;;) {
      this.acts += 1;
      const chosen = this.choose();
      const act = this.step(chosen, undefined);
      if (act !== undefined) return act;
    }
  }

  /** Stories that follow an order are picked up as soon as their pause is over, otherwise any visit may be next. */
  private choose(): RunningStory {
    const due = this.later.findIndex((story) => story.wakesAt <= this.acts);
    if (due >= 0) return this.later.splice(due, 1)[0]!;
    while (this.running.length < VISITS_AT_ONCE) this.running.push(this.visit());
    return this.running.splice(this.random.integer(0, this.running.length - 1), 1)[0]!;
  }

  private visit(): RunningStory {
    this.visits += 1;
    const name = `${this.run}-${this.visits}`;
    const story = visitStory({
      random: this.random.fork(`visit ${this.visits}`), products: this.products, visitor: this.clientele.next(),
      sessionId: `s-${name}`, orderId: `o-${name}`, now: () => this.clock.now(), later: (next) => this.later.push({ story: next, wakesAt: 0 }),
    });
    return { story, wakesAt: 0 };
  }

  private step(chosen: RunningStory, outcome: ReservationOutcome | undefined): NextAct | undefined {
    const { done, value } = chosen.story.next(outcome);
    if (done === true) return undefined;
    return this.toNext(chosen, value);
  }

  private toNext(chosen: RunningStory, act: Act): NextAct | undefined {
    if (act.kind === 'pause') {
      this.later.push({ story: chosen.story, wakesAt: this.acts + act.acts });
      return undefined;
    }
    if (act.kind === 'fact') {
      this.running.push(chosen);
      return act;
    }
    return { ...act, answer: (outcome) => this.resume(chosen, outcome) };
  }

  /** A story that was waiting for stock goes on; the act it yields now is told when it is next chosen. */
  private resume(chosen: RunningStory, outcome: ReservationOutcome): void {
    this.running.push({ story: resumed(chosen.story, outcome), wakesAt: 0 });
  }
}

/** The same story, whose first step hands it the outcome it waits for. */
const resumed = function* (story: Story, outcome: ReservationOutcome): Story {
  let step = story.next(outcome);
  while (step.done !== true) step = story.next(yield step.value);
};
