import { describe, expect, it } from '@jest/globals';
import { refuseUnknownTypes } from './known-types.rule.ts';

describe('types a source is wished for', () => {
  it.each([[[]], [['sales.order.placed']], [['clickstream.*', 'sales.refund.issued']], [['clickstream.page.*']], [['s*']]])('may be %j', (types) => {
    expect(() => { refuseUnknownTypes(types); }).not.toThrow();
  });

  it.each([
    ['sales.order.place', 'Near it: sales.order.placed'],
    ['clickstream.pageviewed', 'Near it: clickstream.page.viewed'],
    ['sale.order.placed', 'Near it: sales.order.placed'],
    ['clickstreams.*', 'clickstream.'],
    ['security.session.opened', 'No event type that a source may bring is called "security.session.opened".'],
    ['zzz', 'Types are called like sales.order.placed'],
  ])('are not %s, and what may be meant is named', (type, says) => {
    expect(() => { refuseUnknownTypes(['clickstream.*', type]); }).toThrow(expect.objectContaining({ kind: 'invalid', code: 'type-unknown', message: expect.stringContaining(says) }));
  });
});
