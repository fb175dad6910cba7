import { expect, it } from '@jest/globals';
import { queryOf } from './query-pairs.ts';

it('keeps repeated names, order and escapes', () => {
  expect(queryOf('/api/metrics/orders?where=country%3DFrance&where=source%3Da%26b&tenant=shop')).toEqual([['where', 'country=France'], ['where', 'source=a&b'], ['tenant', 'shop']]);
  expect(queryOf('/api/logs')).toEqual([]);
});
