import fc from 'fast-check';
import type { WireEvent } from '@millrace/contracts';
import type { EventBatch } from './event-batch.ts';
import { Lanes } from './lanes.ts';

const event = (stream: string, n: number): WireEvent => ({ specversion: '1.0', id: `${stream}#${n}`, source: 's', type: 't', data: { orderId: stream, text: 'x'.repeat(120_000) } });
const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await Promise.resolve();
};

describe('lanes', () => {
  it('send every event once and keep the order of each stream, whatever the delays', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), fc.array(fc.nat(30), { minLength: 1 }), async (streams, count, delays) => {
      const arrived: string[] = [];
      let sends = 0;
      const lanes = new Lanes(count, async (batch: EventBatch) => {
        await turns(delays[sends++ % delays.length] ?? 0);
        arrived.push(...batch.ids);
      });
      const sent = streams.map((stream, n) => event(stream, n));
      for (const each of sent) await lanes.add(each, 1);
      await lanes.finish();
      const ids = sent.map((each) => each.id);
      expect(arrived.toSorted()).toEqual(ids.toSorted());
      for (const stream of new Set(streams)) {
        const of = (list: string[]): string[] => list.filter((id) => id.startsWith(`${stream}#`));
        expect(of(arrived)).toEqual(of(ids));
      }
    }), { numRuns: 30 });
  });

  it('have at most one request in flight each', async () => {
    let [now, most] = [0, 0];
    const lanes = new Lanes(3, async () => {
      most = Math.max(most, ++now);
      await turns(20);
      now--;
    });
    for (let n = 0; n < 60; n++) await lanes.add(event(String(n), n), 1);
    await lanes.finish();
    expect(most).toBe(3);
  });

  it('stop with the first failure, after what is on its way is settled', async () => {
    const settled: string[] = [];
    const lanes = new Lanes(1, async (batch) => {
      await turns(5);
      settled.push(...batch.ids);
      throw new Error('refused');
    });
    const adding = async (): Promise<void> => {
      for (let n = 0; n < 40; n++) await lanes.add(event('a', n), 1);
    };
    await expect(adding()).rejects.toThrow('refused');
    await lanes.settled();
    expect(settled[0]).toBe('a#0');
    await expect(lanes.finish()).rejects.toThrow('refused');
  });

  it('send nothing when nothing was added', async () => {
    let sends = 0;
    await new Lanes(4, async () => { sends++; }).finish();
    expect(sends).toBe(0);
  });
});
