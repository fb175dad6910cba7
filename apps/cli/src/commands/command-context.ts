import { DomainError, parseTenant } from '@millrace/kernel';
import type { Command } from 'commander';
import type { CliConfig } from '../cli.config.ts';
import type { Terminal } from '../output/terminal.ts';

export interface CommandContext {
  readonly config: CliConfig;
  readonly terminal: Terminal;
  /** Exit code of a command that answered, but with bad news. */
  fail(): void;
}

/** Adds one command (and its options) to the program. */
export type Register = (program: Command, context: CommandContext) => void;

export interface TenantOptions {
  readonly tenant: string;
  readonly json?: boolean;
}

/** Checked here, so that a tenant that can't be is one line before anything is asked; `--tenant --json` has lost its tenant. */
const tenantOf = (text: string): string => {
  if (text.startsWith('-')) throw new DomainError('invalid', 'option-malformed', { option: '--tenant' }, `--tenant wants a name; got the option "${text.slice(0, 40)}"`);
  return parseTenant(text);
};
export const TENANT = ['--tenant <tenant>', 'whose events', tenantOf] as const;

/** The two options every asking command has. Without a default all tenants are meant. */
export const withTenant = (command: Command, tenant?: string): Command => command
  .option(...TENANT, tenant)
  .option('--json', 'one JSON document on standard output and nothing else there');
