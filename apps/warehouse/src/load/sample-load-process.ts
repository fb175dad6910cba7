import { SampleWarehouse } from '../sample-warehouse.ts';
import { storedLogs, order } from '../sample-log.ts';

// Loads a shop from where it stands in batches of its own cut, and says after each where it is: for the spec that kills it.
const [dir = '', orders = '0', size = '1'] = process.argv.slice(2);
const warehouse = await SampleWarehouse.open(dir);
const stored = storedLogs('shop', Array.from({ length: Number(orders) }, (_, n) => order('placed', `o${n}`, '2026-01-01T00:00:00Z', [['p1', 1, '1.01'], ['p2', 2, '0.005']]))).get('sales/0') ?? [];
const [first] = stored;
const mark = first && (await warehouse.loader.load(first.log));
process.send?.({ from: mark?.position ?? 0 });
const rest = stored.slice(mark?.position ?? 0);
for (let start = 0; start < rest.length; start += Number(size)) {
  await warehouse.loadLog(rest.slice(start, start + Number(size)), Number(size));
  process.send?.({ loaded: rest[Math.min(start + Number(size), rest.length) - 1]?.position });
}
await warehouse.close();
process.disconnect?.();
