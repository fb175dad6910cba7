import fc from 'fast-check';
import { dataOf, envelopeOf, fingerprintOf, leafOf, saltOf } from './event-frame.ts';
import type { AppendUnit } from './event-store.ts';
import { packUnits, unpackUnits } from './packed-units.ts';
import { prepareUnits, type PreparedUnit } from './prepared-unit.ts';

const LOG = { tenant: 'shop', context: 'sales', shard: 0 } as const;
const NOW = new Date('2026-11-29T12:00:00Z');

/** Units of as many events each as `sizes` says, the n-th with `texts[n]` in its data. */
const unitsOf = (sizes: readonly number[], texts: readonly string[]): AppendUnit[] => {
  let serial = 0;
  return sizes.map((size, index) => {
    const stream = `sales.order/o${index}`;
    return {
      stream, expectedVersion: index % 2 === 0 ? 'any' as const : index,
      events: Array.from({ length: size }, () => {
        const n = serial;
        serial += 1;
        return {
          envelope: { specversion: '1.0' as const, id: `e-${n}`, source: '/spec', type: 'sales.order.placed', version: 1 + (n % 3), tenant: 'shop', stream, time: '2026-11-29T12:00:00.000Z', receivedtime: `2026-11-29T12:00:00.${String(n % 1000).padStart(3, '0')}Z`, via: `web-${n % 2}`, fingerprint: n.toString(16).padStart(64, '0') },
          data: Buffer.from(JSON.stringify({ text: texts[n % Math.max(1, texts.length)] ?? '' })),
        };
      }),
    };
  });
};

/** All that a batch is made of, with a frame's parts in place of where it lies. */
const contentOf = (units: readonly PreparedUnit[]) => units.map(({ events, ...unit }) => ({
  ...unit,
  events: events.map(({ frame, ...event }) => ({ ...event, parts: [envelopeOf, saltOf, dataOf, fingerprintOf, leafOf].map((part) => Buffer.from(part(frame)).toString('hex')) })),
}));

it('gives back units as they were, after a structured clone', () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 12 }), fc.array(fc.string({ unit: 'grapheme', maxLength: 60 }), { maxLength: 5 }), fc.boolean(), (sizes, texts, received) => {
    const units = prepareUnits(LOG, unitsOf(sizes, texts), { countAs: 'intake', ...(received ? { receipt: { run: '7' } } : {}) }, NOW);
    expect(contentOf(unpackUnits(structuredClone(packUnits(units))))).toEqual(contentOf(units));
  }));
});

it('gathers frames that do not lie side by side', () => {
  const units = prepareUnits(LOG, unitsOf([1, 2, 1], ['a', 'bc']), {}, NOW);
  for (const some of [units.toReversed(), [units[0]!, units[2]!], [...units, ...prepareUnits(LOG, unitsOf([2], ['d']), {}, NOW)]]) {
    expect(contentOf(unpackUnits(packUnits(some)))).toEqual(contentOf(some));
  }
});

it('copies no frame of one call', () => {
  const units = prepareUnits(LOG, unitsOf([3, 1], ['x'.repeat(9_000)]), {}, NOW);
  expect(packUnits(units).slab.buffer).toBe(units[0]!.events[0]!.frame.slab.buffer);
  const unpacked = unpackUnits(packUnits(units)).flatMap(({ events }) => events.map(({ frame }) => frame.slab));
  expect(new Set(unpacked).size).toBe(1);
});
