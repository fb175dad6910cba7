import { parseArgs } from 'node:util';
import { DomainError, parseTenant } from '@millrace/kernel';
import { checkEnvironment, nearMisses, problemText, processEnvironment, serviceUrl, setting, shared, type ConfigDefinition, type Environment } from '@millrace/service-kit';
import { z } from 'zod';

export interface SimulatorConfig {
  readonly ingestionUrl: string;
  readonly sourceKeyFile: string;
  readonly natsUrl: string;
  readonly natsSeedFile: string;
}

export const simulatorConfig: ConfigDefinition<SimulatorConfig> = {
  service: 'simulator',
  settings: {
    ingestionUrl: serviceUrl('ingestion'),
    sourceKeyFile: setting('MILLRACE_SOURCE_KEY_FILE', z.string(), 'file (0600) with the source key its events are sent with'),
    natsUrl: shared.natsUrl,
    natsSeedFile: shared.natsSeedFile,
  },
};

export interface SimulatorArguments {
  readonly tenant: string;
  readonly rate: number;
  readonly seed: number;
  readonly forMs?: number;
  readonly manifest?: string;
  readonly journal?: string;
  readonly checkConfig: boolean;
}

const MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

const durationMs = (text: string): number => {
  const match = /^(\d{1,9})(ms|s|m|h)$/.exec(text);
  if (match) return Number(match[1]) * MS[match[2] as keyof typeof MS];
  throw new DomainError('invalid', 'option-malformed', {}, `--for wants a duration such as 60s or 5m; got "${text.slice(0, 20)}"`);
};

const numberFrom = (option: string, text: string, max: number): number => {
  const number = Number(text);
  if (/^\d{1,10}$/.test(text) && number <= max) return number;
  throw new DomainError('invalid', 'option-malformed', {}, `${option} wants a whole number up to ${max}; got "${text.slice(0, 20)}"`);
};

export const parseSimulatorArguments = (args: readonly string[]): SimulatorArguments => {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      tenant: text('demo'), rate: text('50'), seed: text('7'), for: { type: 'string' }, manifest: { type: 'string' }, journal: { type: 'string' },
      'check-config': { type: 'boolean', default: false },
    },
  });
  return {
    tenant: parseTenant(values.tenant), rate: numberFrom('--rate', values.rate, 20_000), seed: numberFrom('--seed', values.seed, 4_294_967_295),
    ...(values.for === undefined ? {} : { forMs: durationMs(values.for) }),
    manifest: values.manifest, journal: values.journal, checkConfig: values['check-config'],
  };
};

/** Throws one error that names every wrong variable, one a line. */
export const readSimulatorConfig = (env: Environment): SimulatorConfig => {
  const reading = checkEnvironment(simulatorConfig, env);
  if (reading.ok) return reading.config;
  throw new DomainError('invalid', 'config-invalid', {}, problemText([...reading.problems, ...nearMisses(simulatorConfig, env)]));
};

export const simulatorEnvironment = processEnvironment;
