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

/** The two options every asking command has. */
export const withTenant = (command: Command, tenant?: string): Command => command
  .option('--tenant <tenant>', 'whose events', tenant)
  .option('--json', 'one JSON document on standard output and nothing else there');
