import { accessSync, constants, statSync } from 'node:fs';
import { readConfig, type ConfigDefinition, type ConfigReading, type Environment, type Setting } from './env.config.ts';

const settingsOf = <C>(definition: ConfigDefinition<C>): Setting<unknown>[] => Object.values(definition.settings);

/** What keeps a secret's file from being read; undefined when nothing does. */
const faultOf = (path: string): string | undefined => {
  try {
    const found = statSync(path);
    if (!found.isFile()) return 'expected a file, got something else, such as a folder';
    if ((found.mode & 0o077) !== 0) return `expected a file that its owner alone can read, got mode ${(found.mode & 0o777).toString(8)}: run chmod 600 on it`;
    accessSync(path, constants.R_OK);
    return undefined;
  } catch (error) {
    return `expected a file that can be read, got ${typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'a fault'}`;
  }
};

const fileProblems = <C>(definition: ConfigDefinition<C>, env: Environment): string[] => settingsOf(definition).flatMap(({ env: name, about }) => {
  const path = env[name];
  const fault = name.endsWith('_FILE') && path ? faultOf(path) : undefined;
  return fault === undefined ? [] : [`${name}: ${fault} (${about})`];
});

/** `readConfig` and a look at the files that `_FILE` settings name, all problems together. Reads no secret. */
export const checkEnvironment = <C>(definition: ConfigDefinition<C>, env: Environment): ConfigReading<C> => {
  const reading = readConfig(definition, env);
  const problems = [...(reading.ok ? [] : reading.problems), ...fileProblems(definition, env)];
  return reading.ok && problems.length === 0 ? reading : { ok: false, problems };
};

/** The problems as they are printed: one a line, below how many there are. */
export const problemText = (problems: readonly string[]): string =>
  `the configuration has ${problems.length} problem(s)\n${problems.map((problem) => `  ${problem}`).join('\n')}`;

/** Letters to change, add, leave out: Levenshtein's distance. */
const distance = (one: string, other: string): number => {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let at = 1; at <= one.length; at += 1) {
    const next = [at];
    for (let to = 1; to <= other.length; to += 1) next.push(Math.min(next[to - 1]! + 1, row[to]! + 1, row[to - 1]! + (one[at - 1] === other[to - 1] ? 0 : 1)));
    row = next;
  }
  return row.at(-1)!;
};

/** Two letters swapped, left out or doubled; no two of our names are as near. */
const NEAR = 2;

/**
 * Variables that are most likely meant for a setting that is not set. For a warning and no more: processes share an environment, and one that
 * is no setting of this service may be another's.
 */
export const nearMisses = <C>(definition: ConfigDefinition<C>, env: Environment): string[] => {
  const names = settingsOf(definition).map((one) => one.env);
  const unset = names.filter((name) => !env[name]);
  return Object.keys(env).filter((name) => name.startsWith('MILLRACE_') && !names.includes(name)).flatMap((name) => {
    const meant = unset.find((one) => distance(name, one) <= NEAR);
    return meant === undefined ? [] : [`${name} is no setting of ${definition.service}; is ${meant} meant?`];
  });
};
