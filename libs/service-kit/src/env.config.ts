import { z, type ZodType } from 'zod';

/** One environment variable of a service: its name, its schema (input: text or undefined), and a sentence for humans. */
export interface Setting<T> {
  readonly env: string;
  readonly schema: ZodType<T>;
  readonly about: string;
  /** Printed as `***`. */
  readonly secret: boolean;
  /** Says what the default is where it depends on the machine. */
  readonly defaultText?: string;
}

export type SettingsOf<C> = { readonly [K in keyof C]: Setting<C[K]> };

/** Declares a variable. An empty text counts as not set. */
export const setting = <T>(env: string, schema: ZodType<T>, about: string, options: { secret?: boolean; defaultText?: string } = {}): Setting<T> =>
  ({ env, schema, about, secret: options.secret ?? false, ...(options.defaultText === undefined ? {} : { defaultText: options.defaultText }) });

/** A whole number written in digits alone: blanks, `1e3` or `0x10` are a slip, and none of them is 0. */
export const integer = (min: number, max = Number.MAX_SAFE_INTEGER): ZodType<number> => {
  const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
  return z.string().refine((text) => /^\d{1,16}$/.test(text) && Number(text) >= min && Number(text) <= max, `expected a whole number ${range}`).transform(Number);
};

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

export type ConfigReading<C> = { readonly ok: true; readonly config: C } | { readonly ok: false; readonly problems: readonly string[] };

/** The config of one service; `settings` also feeds `--check-config` and the app's `.env.example`. */
export interface ConfigDefinition<C> {
  readonly service: string;
  readonly settings: SettingsOf<C>;
}

/** The config's type: `export type AnalyticsConfig = ConfigOf<typeof analyticsConfig>`. */
export type ConfigOf<D> = D extends ConfigDefinition<infer C> ? C : never;

const entriesOf = <C>(definition: ConfigDefinition<C>): [string, Setting<unknown>][] => Object.entries(definition.settings);

/** What came, without the value: it may be a secret set under the wrong name. A number alone is repeated. */
const gotOf = (text: string, secret: boolean): string => {
  if (text.trim() === '') return 'blanks';
  return !secret && /^-?\d{1,16}$/.test(text) ? text : `a text of ${text.length} characters`;
};

const expectedOf = (issue: z.core.$ZodIssue): string => {
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.join(', ')}`;
  return issue.code === 'custom' || issue.message.startsWith('expected') ? issue.message : 'expected another form';
};

/**
 * Reads every setting from `env` and reports all problems together, each as `NAME: expected …, got … (what it is for)`.
 * A problem never repeats the value that came: it may be a secret.
 */
export const readConfig = <C>(definition: ConfigDefinition<C>, env: Environment): ConfigReading<C> => {
  const problems: string[] = [];
  const config: Record<string, unknown> = {};
  for (const [key, { env: name, schema, about, secret }] of entriesOf(definition)) {
    const raw = env[name] === '' ? undefined : env[name];
    const parsed = schema.safeParse(raw);
    if (parsed.success) config[key] = parsed.data;
    else problems.push(`${name}: ${raw === undefined ? 'is not set' : `${parsed.error.issues.map(expectedOf).join('; ')}, got ${gotOf(raw, secret)}`} (${about})`);
  }
  // Every key of C has been parsed by the schema of its own setting.
  return problems.length === 0 ? { ok: true, config: config as C } : { ok: false, problems };
};

/** An address without the name and password that may stand in it. */
const withoutUser = (text: string): string => {
  if (!text.includes('@') || !URL.canParse(text)) return text;
  const url = new URL(text);
  if (url.username === '' && url.password === '') return text;
  [url.username, url.password] = ['***', ''];
  return url.href;
};

const printable = (value: unknown): unknown => {
  if (value instanceof Map) return Object.fromEntries(value);
  return typeof value === 'string' ? withoutUser(value) : value;
};

/** The effective values by variable name, for `--check-config`; secrets as `***`, also those in an address, unset ones left out. */
export const printableConfig = <C extends object>(definition: ConfigDefinition<C>, config: C): Record<string, unknown> => {
  const values = new Map<string, unknown>(Object.entries(config));
  return Object.fromEntries(entriesOf(definition)
    .filter(([key]) => values.get(key) !== undefined)
    .map(([key, { env, secret }]) => [env, secret ? '***' : printable(values.get(key))]));
};

/** The one place a service reads its environment. */
// oxlint-disable-next-line node/no-process-env -- the config loader is where the environment enters
export const processEnvironment = (): Environment => process.env;
