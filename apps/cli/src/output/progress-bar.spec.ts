import { Writable } from 'node:stream';
import { progressBar } from './progress-bar.ts';

const shown = (run: (bar: ReturnType<typeof progressBar>) => void): string => {
  let text = '';
  const bar = progressBar(new Writable({ write: (chunk, _encoding, done) => { text += String(chunk); done(); } }), '{value}/{total} {eta_formatted} left');
  run(bar);
  bar.stop();
  return text;
};

describe('a progress bar', () => {
  it('has no time left to tell before anything was done', () => {
    expect(shown((bar) => bar.start(10, 0))).toContain('0/10 – left');
  });
  it('tells no time that is no number when its first update is its last', () => {
    const text = shown((bar) => {
      bar.start(10, 0);
      bar.update(10);
    });
    expect(text).toMatch(/10\/10 (0s|–) left/);
    expect(text).not.toMatch(/NULL|INF|NaN/);
  });
});
