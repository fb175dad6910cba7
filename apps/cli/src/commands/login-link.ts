import { connectPlatform, type PlatformClient } from '../client/platform-client.ts';
import { present } from '../output/terminal.ts';
import type { Register } from './command-context.ts';

export interface LoginLink {
  readonly url: string;
  readonly expiresAt: string;
}

/** A link that lets one person choose a name and a password, once. Errors: what security says. */
export const newLoginLink = async (client: PlatformClient): Promise<LoginLink> => {
  const { token, expiresAt } = await client.call('security', '/v1/login-links', { method: 'POST', body: {} }) as { token: string; expiresAt: string };
  return { url: `${client.urlOf('console')}/login?token=${encodeURIComponent(token)}`, expiresAt };
};

export const registerLoginLink: Register = (program, context) => {
  program.command('login-link').description('a one-time link to choose a name and password for the console').option('--json', 'one JSON document on standard output')
    .action(async ({ json }: { json?: boolean }) => {
      const link = await newLoginLink(connectPlatform(context.config.home));
      present(context.terminal, json === true, link, () => `${link.url}\nvalid once, until ${link.expiresAt}`);
    });
};
