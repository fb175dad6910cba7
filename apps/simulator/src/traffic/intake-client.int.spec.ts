import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { IntakeClient, type EventOutcome } from './intake-client.ts';
import type { OutgoingEvent } from './outgoing.ts';

interface Seen { readonly headers: IncomingHttpHeaders; readonly body: OutgoingEvent[] }

let server: Server;
let url: string;
let seen: Seen[];
let answers: ((response: ServerResponse) => unknown)[];

beforeAll(async () => {
  server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; }).on('end', () => {
      seen.push({ headers: request.headers, body: JSON.parse(text) as OutgoingEvent[] });
      (answers.shift() ?? accept)(response);
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => { seen = []; answers = []; });
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => { server.close(resolve); });
});

const event = (id: string): OutgoingEvent => ({ specversion: '1.0', id, source: 'urn:x', type: 'clickstream.page.viewed', time: '2026-05-04T10:00:00.000Z', data: { sessionId: 's', path: '/' } });
const accepted: EventOutcome[] = [{ index: 0, id: 'a', outcome: 'accepted', log: 'clickstream/0', position: 1 }];
const accept = (response: ServerResponse): unknown => response.writeHead(202).end(JSON.stringify({ outcomes: accepted, dropped: 0 }));
const refuse = (status: number, retryAfter?: string) => (response: ServerResponse): unknown => response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter }).end('{"detail":"not now"}');
/** As when the intake dies while it answers. */
const cutAfter = (status: number) => (response: ServerResponse): unknown => response.writeHead(status, { 'content-length': '500' }).write('{"outcomes":[', () => response.destroy());
const never = new AbortController().signal;
const clientWith = (retries: string[] = []): IntakeClient => new IntakeClient({ url, sourceKey: 'msk_key', onRetry: (reason, waitMs) => retries.push(`${reason} ${waitMs}`) });

describe('the intake client', () => {
  it('posts a CloudEvents batch with its key', async () => {
    expect(await clientWith().send([event('a')], never)).toEqual(accepted);
    expect(seen[0]).toMatchObject({ headers: { 'content-type': 'application/cloudevents-batch+json', authorization: 'Bearer msk_key' }, body: [event('a')] });
  });

  it('takes the outcomes of a batch in which nothing was stored', async () => {
    const outcomes = [{ index: 0, id: 'a', outcome: 'rejected', code: 'x' }];
    answers = [(response) => response.writeHead(422).end(JSON.stringify({ outcomes, code: 'all-events-rejected' }))];
    expect(await clientWith().send([event('a')], never)).toEqual(outcomes);
  });

  it.each([['503', refuse(503, '0'), 'status 503 250'], ['429', refuse(429, '0'), 'status 429 250'], ['500', refuse(500), 'status 500 250'], ['a cut', (response: ServerResponse) => response.destroy(), 'no answer 250'], ['a cut in the middle of the answer', cutAfter(202), 'no answer 250'], ['a cut in the middle of a refusal', cutAfter(401), 'no answer 250']])('sends the same batch again after %s', async (_, trouble, said) => {
    const retries: string[] = [];
    answers = [trouble];
    expect(await clientWith(retries).send([event('a')], never)).toEqual(accepted);
    expect(retries).toEqual([said]);
    expect(seen.map(({ body }) => body)).toEqual([[event('a')], [event('a')]]);
  });

  it.each([400, 401, 403, 413, 415])('doesn\'t repeat what is refused with %d', async (status) => {
    answers = [refuse(status)];
    await expect(clientWith().send([event('a')], never)).rejects.toMatchObject({ code: 'intake-refused', message: expect.stringContaining(`${status}: {"detail":"not now"}`) });
    expect(seen).toHaveLength(1);
  });

  it('does not wait for an answer any longer when it is told to give up', async () => {
    const giveUp = new AbortController();
    answers = [() => giveUp.abort()];
    await expect(clientWith().send([event('a')], giveUp.signal)).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('stops waiting when it is told to give up', async () => {
    const giveUp = new AbortController();
    answers = [refuse(503, '10')];
    const client = new IntakeClient({ url, sourceKey: 'x', onRetry: () => giveUp.abort() });
    await expect(client.send([event('a')], giveUp.signal)).rejects.toMatchObject({ name: 'AbortError' });
    expect(seen).toHaveLength(1);
  });
});
