import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { keepOpen } from './live-connection.ts';

beforeEach(() => { jest.useFakeTimers(); });
afterEach(() => { jest.useRealTimers(); });

/** A browser's EventSource as far as the connection sees it. */
class Source extends EventTarget {
  readyState = 0;
  close(): void { this.readyState = 2; }
  fail(readyState: number): void { this.readyState = readyState; this.dispatchEvent(new Event('error')); }
  open(): void { this.readyState = 1; this.dispatchEvent(new Event('open')); }
}

const kept = (): { sources: Source[]; heard: Source[]; end: () => void } => {
  const [sources, heard]: [Source[], Source[]] = [[], []];
  const end = keepOpen(() => { const source = new Source(); sources.push(source); return source; }, (source) => { heard.push(source); });
  return { sources, heard, end };
};

describe('the live connection', () => {
  it('opens a new source two seconds after the browser gave one up, and listens to it', () => {
    const { sources, heard } = kept();
    sources[0]!.fail(2);
    jest.advanceTimersByTime(1999);
    expect(sources).toHaveLength(1);
    jest.advanceTimersByTime(1);
    expect(heard).toEqual(sources);
    expect(sources).toHaveLength(2);
  });

  it('leaves reconnecting to the browser while that tries', () => {
    const { sources } = kept();
    sources[0]!.fail(0);
    jest.advanceTimersByTime(60_000);
    expect(sources).toHaveLength(1);
  });

  it('waits longer each time, fifteen seconds at most, and starts over once one opened', () => {
    const { sources } = kept();
    for (const waitMs of [2000, 4000, 8000, 15_000, 15_000]) {
      const before = sources.length;
      sources.at(-1)!.fail(2);
      jest.advanceTimersByTime(waitMs - 1);
      expect(sources).toHaveLength(before);
      jest.advanceTimersByTime(1);
      expect(sources).toHaveLength(before + 1);
    }
    sources.at(-1)!.open();
    sources.at(-1)!.fail(2);
    jest.advanceTimersByTime(2000);
    expect(sources).toHaveLength(7);
  });

  it('opens nothing after its end', () => {
    const { sources, end } = kept();
    sources[0]!.fail(2);
    end();
    jest.advanceTimersByTime(60_000);
    expect([sources.length, sources[0]!.readyState]).toEqual([1, 2]);
  });
});
