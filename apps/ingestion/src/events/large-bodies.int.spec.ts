import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, natsUrl, uniqueTenant } from '@millrace/testing';
import { freshEventDatabase, runIngestion, type RunningIngestion, type Servers } from '../testing.ts';

const MIB = 1024 * 1024;
const SIX_MIB = 6 * MIB;
const WAYS: [string, Servers['limits']][] = [['the thread that listens', { threads: 0, maxInFlightBytes: 4 * MIB }], ['threads', { threads: 2, threadBytes: 0, maxInFlightBytes: 4 * MIB }]];

/** A client that reads nothing before it has written all, as most do. */
class RawClient {
  answer = '';
  closed = false;

  private constructor(private readonly socket: Socket) {
    socket.setEncoding('latin1').on('data', (text: string) => { this.answer += text; }).on('close', () => { this.closed = true; });
    socket.on('error', () => undefined);
    socket.pause();
  }

  static async open(address: string): Promise<RawClient> {
    const { hostname, port } = new URL(address);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** False when the other side was gone before all was written. */
  write(bytes: string | Buffer): Promise<boolean> {
    return new Promise((resolve) => { this.socket.write(bytes, (error) => { resolve(!error); }); });
  }

  async head(headers: Readonly<Record<string, string | number>>, method = 'POST'): Promise<void> {
    await this.write(`${method} /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/cloudevents-batch+json\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  }

  async status(): Promise<number> {
    this.socket.resume();
    const head = await eventually('an answer', () => /^HTTP\/1\.1 (\d+)[^]*\r\n\r\n/.exec(this.answer) ?? undefined);
    return Number(head[1]);
  }

  end(): void {
    this.socket.destroy();
  }
}

describe.each(WAYS)('a large body, with requests taken in by %s', (_, limits) => {
  let running: RunningIngestion;
  let key: string;
  const clients: RawClient[] = [];
  beforeAll(async () => {
    running = await runIngestion({ events: await freshEventDatabase(), natsUrl: natsUrl(), limits });
    key = await running.source({ tenant: uniqueTenant(), name: 'shop' });
  });
  afterEach(() => { for (const client of clients.splice(0)) client.end(); });
  afterAll(async () => {
    await running.close();
    await running.events.drop();
  });

  const client = async (): Promise<RawClient> => {
    const opened = await RawClient.open(running.address);
    clients.push(opened);
    return opened;
  };
  const post = (body: string | Uint8Array<ArrayBuffer>, authorization = `Bearer ${key}`): Promise<Response> =>
    fetch(`${running.address}/v1/events`, { method: 'POST', headers: { 'content-type': 'application/cloudevents-batch+json', authorization }, body });
  let serial = 0;
  const events = (): string => JSON.stringify([{ specversion: '1.0', id: `e-${serial += 1}`, source: '/web', type: 'clickstream.page.viewed', time: new Date().toISOString(), data: { sessionId: 's', path: '/' } }]);

  it('is answered 413 every time, with the limit, what came and what to do', async () => {
    for (let tries = 0; tries < 8; tries += 1) {
      const response = await post(new Uint8Array(SIX_MIB).fill(0x20));
      expect(response.status).toBe(413);
      expect(await response.json()).toMatchObject({ code: 'body-too-large', detail: `A body has at most ${4 * MIB} bytes; this one has ${SIX_MIB}. Nothing was taken in; send fewer events per request.` });
    }
  });

  it('is answered to a client that writes all of it before it reads', async () => {
    const sized = await client();
    await sized.head({ authorization: `Bearer ${key}`, 'content-length': SIX_MIB });
    expect(await sized.write(Buffer.alloc(SIX_MIB, 0x20))).toBe(true);
    expect(await sized.status()).toBe(413);
    // The connection is as good as before.
    sized.answer = '';
    const body = events();
    await sized.head({ authorization: `Bearer ${key}`, 'content-length': body.length });
    await sized.write(body);
    expect(await sized.status()).toBe(202);
  });

  it('is answered when its length is not announced', async () => {
    const chunked = await client();
    await chunked.head({ authorization: `Bearer ${key}`, 'transfer-encoding': 'chunked' });
    for (let sent = 0; sent < SIX_MIB; sent += MIB) await chunked.write(Buffer.concat([Buffer.from(`${MIB.toString(16)}\r\n`), Buffer.alloc(MIB, 0x20), Buffer.from('\r\n')]));
    expect(await chunked.write('0\r\n\r\n')).toBe(true);
    expect(await chunked.status()).toBe(413);
    expect(chunked.answer).toContain('this one has more');
  });

  it('is not read to its end when that doesn\'t come', async () => {
    const endless = await client();
    await endless.head({ authorization: `Bearer ${key}`, 'content-length': 1024 * MIB });
    let sent = 0;
    while (sent < 200 * MIB && (await endless.write(Buffer.alloc(MIB, 0x20)))) sent += MIB;
    expect(sent).toBeLessThan(200 * MIB);
  });

  it('of nobody known is answered 401 and takes no room from those with a key', async () => {
    const strangers = await Promise.all(Array.from({ length: 60 }, client));
    await Promise.all(strangers.map(async (stranger) => {
      await stranger.head({ 'content-length': 4 * MIB });
      await stranger.write(Buffer.alloc(1024, 0x20));
    }));
    expect((await post(events())).status).toBe(202);
    expect(await (await fetch(`${running.address}/metrics`)).text()).toContain('millrace_intake_in_flight_bytes 0');
    expect(await Promise.all(strangers.map((stranger) => stranger.status()))).toEqual(strangers.map(() => 401));
    expect(strangers[0]!.answer.toLowerCase()).toContain('connection: close');
    expect((await post(new Uint8Array(4 * MIB), 'Bearer msk_wrong')).status).toBe(401);
  });

  it('takes its room before a byte of it is read', async () => {
    const slow = await client();
    await slow.head({ authorization: `Bearer ${key}`, 'content-length': 4 * MIB });
    await eventually('the room to be taken', async () => (await (await fetch(`${running.address}/metrics`)).text()).includes(`millrace_intake_in_flight_bytes ${4 * MIB}`));
    expect((await post(events())).status).toBe(429);
    await slow.write(events().padEnd(4 * MIB));
    expect(await slow.status()).toBe(202);
    expect((await post(events())).status).toBe(202);
  });

  it('gives its room back when it breaks off', async () => {
    const gone = await client();
    await gone.head({ authorization: `Bearer ${key}`, 'content-length': 4 * MIB });
    await eventually('the room to be taken', async () => (await (await fetch(`${running.address}/metrics`)).text()).includes(`millrace_intake_in_flight_bytes ${4 * MIB}`));
    gone.end();
    expect(await eventually('the room to be free', async () => (await post(events())).status === 202)).toBe(true);
  });
});
