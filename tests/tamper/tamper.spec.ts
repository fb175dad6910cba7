import { describe, expect, it } from '@jest/globals';
import { COLUMNS, drawAlterations, KINDS } from './alteration.ts';
import { SEGMENT_WAYS } from './segment-alteration.ts';
import { tamperRun } from './tamper-run.ts';

describe('the alterations drawn', () => {
  const drawn = drawAlterations(200, 1);
  const count = (of: (one: (typeof drawn)[number]) => boolean): number => drawn.filter(of).length;

  it('are spread evenly over the kinds', () => {
    for (const kind of KINDS) expect(Math.abs(count((one) => one.kind === kind) - 200 / KINDS.length)).toBeLessThan(1);
  });
  it('reach every column of the event', () => {
    for (const column of COLUMNS) expect(count((one) => one.column === column)).toBeGreaterThan(1);
  });
  it('reach a segment\'s bytes in every way, and rewrite it by every third', () => {
    for (const way of SEGMENT_WAYS) expect(count((one) => one.kind === 'segment' && one.column === way)).toBeGreaterThan(1);
    expect(count((one) => one.kind === 'segment' && one.forged && one.column === 'rewrite')).toBeGreaterThan(5);
  });
  it('are a third of them forged, of every kind', () => {
    expect(count(({ forged }) => forged)).toBe(66);
    for (const kind of KINDS) expect(count((one) => one.forged && one.kind === kind)).toBeGreaterThan(5);
  });
  it('are the same for the same seed, and others for another', () => {
    expect(drawAlterations(200, 1)).toEqual(drawn);
    expect(drawAlterations(200, 2)).not.toEqual(drawn);
  });
});

describe('a seeded run', () => {
  it('finds every alteration, by its position', async () => {
    const results = await tamperRun(21, 20261124);
    expect(results.filter(({ found }) => !found)).toEqual([]);
    expect(results).toHaveLength(21);
    expect(new Set(results.map(({ alteration }) => alteration.kind)).size).toBe(KINDS.length);
  });
});
