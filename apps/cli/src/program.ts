import { Command } from 'commander';
import { registerArchive } from './commands/archive.ts';
import { registerMetric, registerReveal, registerSql } from './commands/ask.ts';
import { registerBackup, registerRestore } from './commands/backup.ts';
import type { CommandContext, Register } from './commands/command-context.ts';
import { registerContracts } from './commands/contracts.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerEvents } from './commands/events.ts';
import { registerImport } from './commands/import.ts';
import { registerLogs } from './commands/logs.ts';
import { registerLedger } from './commands/ledger.ts';
import { registerLoginLink } from './commands/login-link.ts';
import { registerParked } from './commands/parked.ts';
import { registerProjection } from './commands/projection.ts';
import { registerRecover } from './commands/recover.ts';
import { registerRejects } from './commands/rejects.ts';
import { registerRelay } from './commands/relay.ts';
import { registerRedact } from './commands/redact.ts';
import { registerSimulate } from './commands/simulate.ts';
import { registerSource } from './commands/source.ts';
import { registerStatus } from './commands/status.ts';
import { registerStop } from './commands/stop.ts';
import { registerUp } from './commands/up.ts';
import { registerVerify } from './commands/verify.ts';

const COMMANDS: readonly Register[] = [
  registerUp, registerStop, registerStatus, registerDoctor, registerLoginLink, registerSource, registerImport,
  registerSimulate, registerRecover, registerRelay, registerBackup, registerRestore, registerEvents, registerArchive, registerLogs, registerMetric, registerSql, registerReveal,
  registerProjection, registerParked, registerRejects, registerContracts,
  registerLedger, registerVerify, registerRedact,
];

/** The whole command line. Wrong usage is one line on standard error, as every other error is. */
export const millraceProgram = (context: CommandContext): Command => {
  const program = new Command('millrace')
    .description('Runs Millrace on this machine and asks it questions.')
    .version('0.1.0')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.terminal.out(text.trimEnd()),
      writeErr: (text) => context.terminal.err(text.trimEnd()),
      outputError: (text, write) => write(`millrace: ${text.replace(/^error: /, '').trim().replaceAll(/\s*\n\s*/g, ' ')}`),
    });
  for (const register of COMMANDS) register(program, context);
  return program;
};
