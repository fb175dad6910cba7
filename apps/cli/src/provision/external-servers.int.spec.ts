import { describe, expect, it } from '@jest/globals';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { freePort, freshDatabase, natsUrl, withClient } from '@millrace/testing';
import { cliConfigFrom } from '../cli.config.ts';
import { natsGreets, requireExternalServers } from './external-servers.ts';

const required = (variables: Readonly<Record<string, string>>): Promise<void> => requireExternalServers(cliConfigFrom(variables, '/'));

const listening = async (greeting: string | undefined): Promise<{ port: number; server: Server }> => {
  const server = createServer((socket) => { if (greeting !== undefined) socket.end(greeting); });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { server, port: (server.address() as AddressInfo).port };
};

describe('servers run by somebody else', () => {
  it('may be left out, and are taken as they are when they answer', async () => {
    const { url, drop } = await freshDatabase();
    await expect(required({})).resolves.toBeUndefined();
    await expect(required({ MILLRACE_EVENTS_POSTGRES_URL: url, MILLRACE_POSTGRES_URL: url, MILLRACE_KEYS_POSTGRES_URL: url, MILLRACE_NATS_URL: natsUrl() })).resolves.toBeUndefined();
    await drop();
  });

  it.each([
    ['MILLRACE_POSTGRES_URL', 'hello', /^MILLRACE_POSTGRES_URL: is no address of the kind; expected one as in postgres:\/\/host:port$/],
    ['MILLRACE_KEYS_POSTGRES_URL', 'http://u:geheim@db:5432/x', /^MILLRACE_KEYS_POSTGRES_URL: is no address/],
    ['MILLRACE_NATS_URL', 'localhost', /^MILLRACE_NATS_URL: is no address of the kind; expected one as in nats:\/\/host:port$/],
  ])('are refused by the name of %s when it holds %s', async (variable, text, message) => {
    await expect(required({ [variable]: text })).rejects.toMatchObject({ code: 'external-server-unusable', message: expect.stringMatching(message) });
    await expect(required({ [variable]: text })).rejects.not.toMatchObject({ message: expect.stringContaining('geheim') });
  });

  it('are refused at once when nobody listens there', async () => {
    const port = await freePort();
    await expect(required({ MILLRACE_EVENTS_POSTGRES_URL: `postgres://a:b@127.0.0.1:${port}/x` })).rejects.toThrow(`MILLRACE_EVENTS_POSTGRES_URL: Postgres at 127.0.0.1:${port} can't be reached`);
    await expect(required({ MILLRACE_NATS_URL: `nats://127.0.0.1:${port}` })).rejects.toThrow(`MILLRACE_NATS_URL: no NATS server answers at 127.0.0.1:${port}`);
  });

  it('are refused when the login may not make roles', async () => {
    const { url, drop } = await freshDatabase();
    const name = `plain_${Date.now()}`;
    await withClient(url, (client) => client.query(`create role ${name} login password 'plain'`));
    const plain = new URL(url);
    [plain.username, plain.password] = [name, 'plain'];
    await expect(required({ MILLRACE_POSTGRES_URL: plain.href })).rejects.toThrow(/is no superuser's/);
    await drop();
    await withClient(url.replace(/\/[^/]*$/, '/postgres'), (client) => client.query(`drop role ${name}`));
  });
});

describe('a NATS server', () => {
  it('is known by its greeting', async () => {
    expect(await natsGreets(natsUrl())).toBe(true);
    expect(await natsGreets('no address')).toBe(false);
  });
  it.each([['another protocol', 'SSH-2.0-x\r\n'], ['a closed door', '']])('is not taken for one that answers with %s', async (_name, greeting) => {
    const { port, server } = await listening(greeting);
    expect(await natsGreets(`nats://127.0.0.1:${port}`)).toBe(false);
    server.close();
  });
});
