import fc from 'fast-check';
import type { Decider } from './decider.ts';
import { DomainError } from './domain-error.ts';
import type { DomainEvent } from './event.ts';

type Listed = DomainEvent<'merchandise.product.listed', { readonly price: string }>;
type Retired = DomainEvent<'merchandise.product.retired', Record<string, never>>;
type PriceChanged = DomainEvent<'merchandise.price.changed', { readonly price: string }>;
type ProductEvent = Listed | Retired | PriceChanged;
type Command = { readonly do: 'list' | 'change'; readonly price: string } | { readonly do: 'retire' };
interface Product {
  readonly status: 'unknown' | 'listed' | 'retired';
  readonly price?: string;
}

/** The smallest decider with every shape the port promises: [] for nothing to do, a refusal, and a fold. */
const product: Decider<Product, Command, ProductEvent> = {
  initial: { status: 'unknown' },
  decide: (command, state) => {
    if (command.do === 'list') return state.status === 'unknown' ? [{ type: 'merchandise.product.listed', version: 1, data: { price: command.price } }] : [];
    if (state.status !== 'listed') throw new DomainError('conflict', 'product-not-listed', { status: state.status });
    if (command.do === 'retire') return [{ type: 'merchandise.product.retired', version: 1, data: {} }];
    return command.price === state.price ? [] : [{ type: 'merchandise.price.changed', version: 1, data: { price: command.price } }];
  },
  evolve: (state, event) => {
    if (event.type === 'merchandise.product.retired') return { ...state, status: 'retired' };
    return { status: 'listed', price: event.data.price };
  },
};

const folded = (events: readonly ProductEvent[]): Product => events.reduce((state, event) => product.evolve(state, event), product.initial);
const price = fc.constantFrom('1.00', '2.55', '12.75');
const command: fc.Arbitrary<Command> = fc.oneof(
  price.map((p): Command => ({ do: 'list', price: p })), price.map((p): Command => ({ do: 'change', price: p })), fc.constant<Command>({ do: 'retire' }),
);

/** Runs commands as a command handler would; a refused one adds nothing. */
const run = (commands: readonly Command[]): ProductEvent[] => {
  const history: ProductEvent[] = [];
  for (const each of commands) {
    try {
      history.push(...product.decide(each, folded(history)));
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
    }
  }
  return history;
};

describe('a decider', () => {
  it('decides on the fold of its own events', () => {
    expect(run([{ do: 'list', price: '1.00' }, { do: 'change', price: '2.55' }, { do: 'retire' }]).map((event) => event.type))
      .toEqual(['merchandise.product.listed', 'merchandise.price.changed', 'merchandise.product.retired']);
  });
  it('answers a repeated command with nothing', () => {
    expect(run([{ do: 'list', price: '1.00' }, { do: 'list', price: '1.00' }, { do: 'change', price: '1.00' }])).toHaveLength(1);
  });
  it('refuses with a domain error, and history does not grow', () => {
    expect(() => product.decide({ do: 'change', price: '1.00' }, product.initial)).toThrow(expect.objectContaining({ kind: 'conflict', code: 'product-not-listed' }));
  });
  it('gives the same events for the same commands, and a state that is their fold', () => {
    fc.assert(fc.property(fc.array(command), (commands) => {
      const history = run(commands);
      expect(run(commands)).toEqual(history);
      expect(folded(history).status === 'unknown').toBe(history.length === 0);
      expect(history.filter((event) => event.type === 'merchandise.product.listed').length).toBeLessThanOrEqual(1);
    }));
  });
});
