import { describe, expect, it } from '@jest/globals';
import { PassThrough } from 'node:stream';
import { cliConfigFrom } from './cli.config.ts';
import { errorLine, type Terminal } from './output/terminal.ts';
import { millraceProgram } from './program.ts';

const run = async (...args: string[]): Promise<{ out: string[]; err: string[]; error?: string }> => {
  const [out, err]: [string[], string[]] = [[], []];
  const terminal: Terminal = { out: (text) => { out.push(text); }, err: (text) => { err.push(text); }, progress: new PassThrough().resume() };
  const config = cliConfigFrom({ MILLRACE_HOME: '/nonexistent/home' }, '/');
  try {
    await millraceProgram({ config, terminal, fail: () => undefined }).parseAsync(['node', 'millrace', ...args]);
    return { out, err };
  } catch (error) {
    return { out, err, error: errorLine(error) };
  }
};

describe('the command line', () => {
  it('lists its commands', async () => {
    const { out } = await run('--help');
    for (const name of ['up', 'stop', 'status', 'doctor', 'source', 'import', 'simulate', 'events', 'metric', 'sql', 'reveal', 'login-link', 'ledger', 'verify', 'redact']) expect(out.join('\n')).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
  });

  it.each([
    [['frobnicate'], /unknown command 'frobnicate'/], [['metric'], /missing required argument 'id'/], [['sql', 'select 1', '--wrong'], /unknown option '--wrong'/], [['reveal', 'sub_1'], /--reason/],
  ])('says in one line what is wrong with %j', async (args, message) => {
    const { out, err } = await run(...args);
    expect(out).toEqual([]);
    expect(err).toHaveLength(1);
    expect(err[0]).toMatch(message);
    expect(err[0]).toMatch(/^millrace: [^\n]+$/);
  });

  it.each([
    [['up', '--port', '1'], /--port wants a number/], [['events', '--limit', '0'], /--limit wants/], [['simulate', '--for', 'ever'], /--for wants a duration/],
    [['metric', 'revenue.gross', '--where', 'France'], /--where wants key=value/], [['source', 'add', 'web', '--earliest', 'then'], /--earliest wants/],
  ])('refuses the values of %j before it does anything', async (args, message) => {
    expect((await run(...args)).error).toMatch(message);
  });

  it.each([['status'], ['metric', 'revenue.gross'], ['sql', 'select 1'], ['events'], ['source', 'list'], ['import', 'online-retail', 'x.csv'], ['simulate'], ['reveal', 'sub_1', '--reason', 'r']])('says that nothing is running: %s', async (...args) => {
    const { out, error } = await run(...args);
    expect(out).toEqual([]);
    expect(error).toMatch(/not running from \/nonexistent\/home: start it with `npm start`/);
  });
});
