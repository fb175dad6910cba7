import { expect, it } from '@jest/globals';
import { snapshotIn } from './live.ts';

it('reads a snapshot', () => {
  const kpi = { currency: 'GBP', gross: '1.20', clean: '1.20', units: '1', orders: 1, buyers: 1 };
  expect(snapshotIn(JSON.stringify({ tenant: 'shop', asOf: { 'sales/0': 3 }, kpis: [kpi] }))).toMatchObject({ asOf: { 'sales/0': 3 }, kpis: [kpi] });
});

it.each(['null', '[]', '{"kpis":{}}', '"text"', '{}'])('takes nothing from %s', (text) => {
  expect(snapshotIn(text)).toBeUndefined();
});
