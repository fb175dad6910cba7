import fc from 'fast-check';
import { parseEventType } from './event.ts';

const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/);

describe('an event type', () => {
  it('is context, aggregate and fact', () => expect(parseEventType('clickstream.cart.item-added')).toEqual({ context: 'clickstream', aggregate: 'cart', fact: 'item-added' }));
  it('comes back from its parts', () => {
    fc.assert(fc.property(word, word, word, (context, aggregate, fact) => {
      expect(parseEventType(`${context}.${aggregate}.${fact}`)).toEqual({ context, aggregate, fact });
    }));
  });
  it.each(['', 'sales', 'sales.order', 'sales.order.placed.twice', 'Sales.order.placed', 'sales..placed', '.order.placed', 'sales.order.', 'sales.order.1st', 'sales.order placed', 'sales.order.placed\n', 'sales.*.>'])('is not %j', (text) => {
    expect(parseEventType(text)).toBeUndefined();
  });
  it('is found or not in any text, without an exception', () => {
    fc.assert(fc.property(fc.string(), (text) => {
      const parsed = parseEventType(text);
      expect(parsed === undefined || `${parsed.context}.${parsed.aggregate}.${parsed.fact}` === text).toBe(true);
    }));
  });
});
