import { connectPlatform } from '../client/platform-client.ts';
import type { Finding } from '../doctor/finding.ts';
import { checkMachine } from '../doctor/machine.ts';
import { checkRunning } from '../doctor/running.ts';
import { homeAt } from '../home/home.ts';
import { lockHolder } from '../home/lock.ts';
import { present } from '../output/terminal.ts';
import { parsePort, DEFAULT_PORT } from '../provision/port-plan.ts';
import { withTenant, type Register } from './command-context.ts';

interface DoctorOptions {
  readonly pre?: boolean;
  readonly port: number;
  readonly json?: boolean;
  readonly tenant?: string;
}

const inWords = (findings: readonly Finding[]): string => {
  const width = Math.max(...findings.map((one) => one.name.length));
  return findings.map((one) => `${one.ok ? 'ok  ' : 'FAIL'}  ${one.name.padEnd(width)}  ${one.detail}${one.remedy === undefined ? '' : `\n${' '.repeat(width + 8)}-> ${one.remedy}`}`).join('\n');
};

const NOT_RUNNING: Finding = { name: 'platform', ok: false, detail: 'not running', remedy: 'start it with `npm start`; `millrace doctor --pre` checks the machine alone' };

export const registerDoctor: Register = (program, { config, terminal, fail }) => {
  withTenant(program.command('doctor').description('check the machine and the running platform, each finding with its remedy'))
    .option('--pre', 'the machine only, before a start')
    .option('--port <port>', 'the base port a start would use', parsePort, DEFAULT_PORT)
    .action(async ({ pre, port, json, tenant }: DoctorOptions) => {
      const running = lockHolder(homeAt(config.home)) !== undefined;
      const machine = await checkMachine(config, running, port);
      const platform = pre === true ? [] : running ? await checkRunning(config, connectPlatform(config.home), tenant) : [NOT_RUNNING];
      const findings = [...machine, ...platform];
      const ok = findings.every((one) => one.ok);
      present(terminal, json === true, { ok, checks: findings }, () => inWords(findings));
      if (!ok) fail();
    });
};
