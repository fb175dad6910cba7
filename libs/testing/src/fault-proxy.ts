import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** What a proxy cuts: the connection on which such a request went through, once its answer is complete and before any of it is passed on. */
export interface AnswerCut {
  /** Looks at what the client sends, chunk by chunk. */
  readonly request: (sent: Buffer) => boolean;
  /** Looks at all that the server has answered since. */
  readonly answered: (received: Buffer) => boolean;
}

/** A Postgres statement by name in its Bind message; done at ReadyForQuery, which the server sends after the commit. */
export const statementAnswer = (name: string): AnswerCut => ({
  request: (sent) => sent.includes(name),
  // 'Z', length 5, then the transaction's state: the last message of an answer (PostgreSQL protocol 3, message formats).
  answered: (received) => received.length >= 6 && received.subarray(-6, -1).equals(Buffer.from([0x5a, 0, 0, 0, 5])),
});

/** An HTTP request by its first line; done as soon as the server begins to answer. */
export const httpAnswer = (firstLine: string): AnswerCut => ({ request: (sent) => sent.includes(firstLine), answered: (received) => received.length > 0 });

export interface FaultProxy {
  readonly port: number;
  /** Answers withheld so far: the server did the work, the client never learnt of it. */
  readonly cuts: number;
  /** From now on every such answer is cut; without an argument nothing is any more. */
  cut(answer?: AnswerCut): void;
  /** Ends every connection and listens no more. */
  close(): Promise<void>;
}

/** A TCP proxy on 127.0.0.1 that forwards everything to `target` until it is told to cut answers. A connection it cuts is gone on both sides. */
export const faultProxy = async (target: { readonly host?: string; readonly port: number }): Promise<FaultProxy> => {
  let cutting: AnswerCut | undefined;
  let cuts = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target.port, target.host ?? '127.0.0.1');
    let watched: AnswerCut | undefined;
    let withheld: Buffer[] = [];
    const end = (): void => { client.destroy(); upstream.destroy(); };
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.setNoDelay(true).on('error', end).on('close', () => { open.delete(socket); end(); });
    }
    client.on('data', (sent: Buffer) => {
      if (watched === undefined && cutting?.request(sent) === true) {
        watched = cutting;
        withheld = [];
      }
      upstream.write(sent);
    });
    upstream.on('data', (received: Buffer) => {
      if (watched === undefined) return void client.write(received);
      withheld.push(received);
      if (!watched.answered(Buffer.concat(withheld))) return;
      cuts += 1;
      end();
    });
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get cuts() { return cuts; },
    cut: (answer) => { cutting = answer; },
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of open) socket.destroy();
    }),
  };
};
