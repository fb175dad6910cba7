import { readFile } from 'node:fs/promises';
import { extname, join, resolve, sep } from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.json': 'application/json', '.map': 'application/json',
};

/** Only our own scripts run, and nobody frames the console. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  'x-frame-options': 'DENY',
};

const PAGES = new Set(['/', '/login', '/first-login', '/explorer', '/system']);
const siteRoot = resolve(import.meta.dirname, '../web');

/** The file an address means, or undefined: pages are the one index, all else must lie below the built site. */
export const siteFile = (path: string, root = siteRoot): string | undefined => {
  if (PAGES.has(path)) return join(root, 'index.html');
  if (!/^\/(assets\/[\w-][\w.-]*|favicon\.svg)$/.test(path)) return undefined;
  const file = resolve(root, `.${path}`);
  return file.startsWith(root + sep) ? file : undefined;
};

const send = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
  const path = new URL(request.url, 'http://console.invalid').pathname;
  const file = siteFile(path);
  const body = file === undefined ? undefined : await readFile(file).catch(() => undefined);
  for (const [name, value] of Object.entries(HEADERS)) void reply.header(name, value);
  if (file === undefined || body === undefined) {
    return void reply.code(404).type('text/plain').send('Not found. The console\'s pages are /, /explorer and /system.');
  }
  // Built assets carry a hash of their content in the name.
  void reply.header('cache-control', path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache').type(TYPES[extname(file)] ?? 'application/octet-stream').send(body);
};

/** Whether a browser goes to this address as to a page, rather than a script or another program asking for data. */
export const isPageVisit = (path: string, accept: string | undefined): boolean => !/^\/(?:api|assets)(?:\/|$)/.test(path) && /(?:^|,)\s*text\/html\b/.test(accept ?? '');

/** A visitor to an address that is none gets the console, whose page says so and leads on; everybody else the usual problem. */
const sendUnknown = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
  if (!isPageVisit(new URL(request.url, 'http://console.invalid').pathname, request.headers.accept)) return reply.callNotFound();
  for (const [name, value] of Object.entries(HEADERS)) void reply.header(name, value);
  void reply.code(404).header('cache-control', 'no-cache').type(TYPES['.html']!).send(await readFile(join(siteRoot, 'index.html')));
};

/** Adds the console's pages and assets to the server. */
export const serveSite = (fastify: FastifyInstance): void => {
  for (const path of [...PAGES, '/assets/*', '/favicon.svg']) fastify.get(path, send);
  fastify.get('/*', sendUnknown);
};
