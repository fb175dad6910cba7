import { connectPlatform, type PlatformClient } from '../client/platform-client.ts';
import { present } from '../output/terminal.ts';
import { TENANT, type Register } from './command-context.ts';

export interface LoginLink {
  readonly url: string;
  readonly expiresAt: string;
}

/** A link that lets one person choose a name and a password, once; with `account`, only a new password for that one. Errors: what security says. */
export const newLoginLink = async (client: PlatformClient, account?: string): Promise<LoginLink> => {
  const answer = await client.call('security', '/v1/login-links', { method: 'POST', body: account === undefined ? {} : { account } }) as { token: string; expiresAt: string; account?: string };
  const query = new URLSearchParams({ token: answer.token, ...(answer.account === undefined ? {} : { account: answer.account }) });
  return { url: `${client.urlOf('console')}/login?${query.toString()}`, expiresAt: answer.expiresAt };
};

export const registerLoginLink: Register = (program, context) => {
  program.command('login-link').description('a one-time link to choose a name and password for the console, for every tenant').option('--reset <name>', 'for an account that exists: a new password; its sessions end').option(...TENANT).option('--json', 'one JSON document on standard output')
    .action(async ({ json, reset }: { json?: boolean; reset?: string }) => {
      const link = await newLoginLink(connectPlatform(context.config.home), reset);
      present(context.terminal, json === true, link, () => `${link.url}\nvalid once, until ${link.expiresAt}`);
    });
};
