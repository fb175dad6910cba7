import { Writable } from 'node:stream';
import { importBar, silentProgress } from './import-progress.ts';

const sink = (): { stream: Writable; text: () => string } => {
  let text = '';
  return { stream: new Writable({ write: (chunk, _encoding, done) => { text += String(chunk); done(); } }), text: () => text };
};

describe('progress', () => {
  it('goes to the stream it is given, with what is left', () => {
    const { stream, text } = sink();
    const progress = importBar(stream);
    progress.reading(10_000);
    progress.sending(200, 50);
    progress.sent(50, 900);
    progress.retrying('status 503', 1500);
    progress.stop();
    expect(text()).toContain('10000 lines');
    expect(text()).toContain('100/200 events');
    expect(text()).toContain('waiting 1.5 s: status 503');
    expect(text()).toMatch(/\d+ lines\/s/);
  });
  it('may be stopped at any time, more than once', () => {
    const { stream, text } = sink();
    const progress = importBar(stream);
    progress.stop();
    progress.sent(1, 1);
    progress.retrying('x', 1);
    progress.reading(1);
    progress.stop();
    progress.stop();
    expect(text()).toContain('1 lines');
  });
  it('may be silent', () => {
    expect(Object.values(silentProgress).map((tell: (...args: unknown[]) => unknown) => tell())).toEqual([undefined, undefined, undefined, undefined, undefined]);
  });
});
