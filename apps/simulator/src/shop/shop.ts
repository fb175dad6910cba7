import { type Act, type Fact, type ReservationOutcome, type ReservationWish, type Story } from './act.ts';
import { assortmentOf, CURRENCY, priceText, type Product } from './assortment.ts';
import { Clientele } from './clientele.ts';
import type { Random } from './random.ts';
import { visitStory } from './visit.ts';

const PRODUCTS = 120;
const OPENING_UNITS = 400;
/** Visits going on at once: enough for their events to interleave. */
const VISITS_AT_ONCE = 30;
/** An order goes on so many acts after it asked for stock: by then the answer is mostly there, and nobody waits for it. */
const ACTS_UNTIL_ANSWERED = 40;

export interface ShopClock {
  now(): Date;
}

interface RunningStory {
  readonly story: Story;
  /** Act number at which a story that pauses, or waits for stock, goes on. */
  readonly wakesAt: number;
  /** What the stock says to a story that asked. */
  readonly answer?: Promise<ReservationOutcome>;
}

/** What the shop does next: a fact to send, or a reservation whose outcome must be handed back, now or later. */
export type NextAct =
  | { readonly kind: 'fact'; readonly fact: Fact }
  | { readonly kind: 'reserve'; readonly wish: ReservationWish; answer(outcome: ReservationOutcome | Promise<ReservationOutcome>): void };

/**
 * A small shop that goes on for ever. Everything it does follows from the seed, apart from the clock and the outcomes of
 * reservations, and not from when those come: a story that asked has its turn by act number, and the shop waits for it. `run` tells this run's sessions and orders from those of earlier runs of the same seed.
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

  /** Waits where the next story has no answer yet, so one call follows the other. Rejects with what an answer was rejected with. */
  async next(): Promise<NextAct> {
    for (;;) {
      this.acts += 1;
      const chosen = this.choose();
      const act = this.step(chosen, await chosen.answer);
      if (act !== undefined) return act;
    }
  }

  /** Stories that pause or wait for stock are picked up as soon as it is their act, otherwise any visit may be next. */
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
      this.running.push({ story: chosen.story, wakesAt: 0 });
      return act;
    }
    const { promise, resolve } = Promise.withResolvers<ReservationOutcome>();
    promise.catch(() => undefined); // until the story's turn nobody listens
    this.later.push({ story: chosen.story, wakesAt: this.acts + ACTS_UNTIL_ANSWERED, answer: promise });
    return { ...act, answer: resolve };
  }
}
