import { CommanderError } from 'commander';
import { readCliConfig } from './cli.config.ts';
import { errorLine, processTerminal } from './output/terminal.ts';
import { millraceProgram } from './program.ts';

// `millrace … | head` closes our output early: that ends the command, quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => { if (error.code === 'EPIPE') process.exit(0); });

try {
  const program = millraceProgram({ config: readCliConfig(), terminal: processTerminal, fail: () => { process.exitCode = 1; } });
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode;
  } else {
    processTerminal.err(`millrace: ${errorLine(error)}`);
    process.exitCode = 1;
  }
}
