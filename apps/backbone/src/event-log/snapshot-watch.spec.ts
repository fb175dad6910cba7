import { describe, expect, it } from '@jest/globals';
import { SnapshotWatch, type SnapshotStanding } from './snapshot-watch.ts';

const watching = (...ages: number[]) => {
  const told: [boolean, number][] = [];
  const samples = [...ages];
  const sample = async () => ({ snapshotSeconds: samples.shift()!, transactionSeconds: 0, snapshots: 1, complete: true });
  const watch = new SnapshotWatch(sample, 60_000, ({ alert, snapshotSeconds }) => told.push([alert, snapshotSeconds]));
  const look = async (): Promise<SnapshotStanding[]> => {
    const shown: SnapshotStanding[] = [];
    while (samples.length > 0) shown.push(await watch.look());
    return shown;
  };
  return { told, look };
};

describe('the watch over snapshots', () => {
  it('alerts beyond the threshold, not at it', async () => {
    const { look } = watching(0, 60, 60.001);
    expect((await look()).map(({ alert, thresholdSeconds }) => [alert, thresholdSeconds])).toEqual([[false, 60], [false, 60], [true, 60]]);
  });

  it('tells of each change once, however often it looks', async () => {
    const { look, told } = watching(1, 61, 66, 71, 2, 1, 90);
    await look();
    expect(told).toEqual([[true, 61], [false, 2], [true, 90]]);
  });
});
