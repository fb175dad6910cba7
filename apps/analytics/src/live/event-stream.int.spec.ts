import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@millrace/testing';
import { EventStream } from './event-stream.ts';

let server: Server;
let stream: EventStream;
let closed: { times: number };
let ending: AbortController;
let reader: IncomingMessage;

beforeEach(async () => {
  const mine = { times: 0 };
  closed = mine;
  ending = new AbortController();
  server = createServer((_, response: ServerResponse) => { stream = new EventStream(response, ending.signal, () => { mine.times += 1; }); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const request = get({ port: typeof address === 'object' ? address?.port : 0, agent: false });
  [reader] = await once(request, 'response') as [IncomingMessage];
});
afterEach(async () => {
  reader.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

/** Everything read so far, as it grows; until then nothing is read. */
const reading = (): { text: string } => {
  const seen = { text: '' };
  reader.setEncoding('utf8').on('data', (chunk: string) => { seen.text += chunk; });
  return seen;
};

describe('EventStream', () => {
  it('answers as server-sent events that nothing on the way keeps', () => {
    expect(reader.headers).toMatchObject({ 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  });

  it('tells how soon to come back and then sends event by event', async () => {
    const seen = reading();
    stream.send('kpi', { n: 1 });
    stream.send('kpi', { text: 'two\nlines' });
    await eventually('two events', () => seen.text.includes('two'));
    expect(seen.text).toBe('retry: 2000\n\nevent: kpi\ndata: {"n":1}\n\nevent: kpi\ndata: {"text":"two\\nlines"}\n\n');
  });

  it('skips to the latest for a reader that lags, and keeps nothing but it', async () => {
    const padding = 'x'.repeat(200_000);
    for (let n = 1; n <= 300; n += 1) {
      stream.send('kpi', { n, padding });
      await new Promise((resolve) => setImmediate(resolve));
    }
    const seen = reading();
    await eventually('the latest event', () => seen.text.includes('"n":300,'));
    const sent = [...seen.text.matchAll(/"n":(\d+),/g)].map((match) => Number(match[1]));
    expect(sent.length).toBeLessThan(300);
    expect(sent).toEqual(sent.toSorted((a, b) => a - b));
  });

  it('says when its reader has gone, once', async () => {
    reader.destroy();
    await eventually('the close', () => closed.times > 0);
    expect(closed.times).toBe(1);
    stream.send('kpi', {});
  });

  it('ends its answer when the service drains', async () => {
    reading();
    ending.abort();
    await once(reader, 'end');
    expect(await eventually('the close', () => closed.times === 1)).toBe(true);
  });
});
