import { CONTEXTS } from '@millrace/kernel';
import fc from 'fast-check';
import { parseStreamName, streamNameOf } from './subject.ts';

describe('a stream\'s name', () => {
  it('tells its log and epoch again', () => {
    const name = fc.record({ tenant: fc.stringMatching(/^[a-z0-9-]{1,32}$/), context: fc.constantFrom(...CONTEXTS), shard: fc.integer({ min: 0, max: 9999 }) });
    fc.assert(fc.property(name, fc.integer({ min: 1, max: 2 ** 40 }), (log, epoch) => {
      expect(parseStreamName(streamNameOf(log, epoch))).toEqual({ log, epoch });
    }));
  });

  it.each(['EVT_shop_sales_0', 'EVT_shop_other_0_17', 'EVT_Shop_sales_0_17', 'KV_shop_sales_0_17', 'EVT_shop_sales_x_17', 'EVT_shop_sales_0_17_1', 'benchstream', ''])('%j is no log\'s', (name) => {
    expect(parseStreamName(name)).toBeUndefined();
  });
});
