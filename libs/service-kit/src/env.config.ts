import type { ZodType } from 'zod';

/** One environment variable of a service: its name, its schema (input: text or undefined), and a sentence for humans. */
export interface Setting<T> {
  readonly env: string;
  readonly schema: ZodType<T>;
  readonly about: string;
  /** Printed as `***`. */
  readonly secret: boolean;
}

export type SettingsOf<C> = { readonly [K in keyof C]: Setting<C[K]> };

/** Declares a variable. An empty text counts as not set. */
export const setting = <T>(env: string, schema: ZodType<T>, about: string, options: { secret?: boolean } = {}): Setting<T> =>
  ({ env, schema, about, secret: options.secret ?? false });

export type ConfigReading<C> = { readonly ok: true; readonly config: C } | { readonly ok: false; readonly problems: readonly string[] };

/** The config of one service; `settings` also feeds `--check-config` and generated example files. */
export interface ConfigDefinition<C> {
  readonly service: string;
  readonly settings: SettingsOf<C>;
}

/** The config's type: `export type AnalyticsConfig = ConfigOf<typeof analyticsConfig>`. */
export type ConfigOf<D> = D extends ConfigDefinition<infer C> ? C : never;

const entriesOf = <C>(definition: ConfigDefinition<C>): [string, Setting<unknown>][] => Object.entries(definition.settings);

/**
 * Reads every setting from `env` and reports all problems together, each as `NAME: what is wrong (what it is for)`.
 * A problem never repeats the value that came: it may be a secret.
 */
export const readConfig = <C>(definition: ConfigDefinition<C>, env: Readonly<Record<string, string | undefined>>): ConfigReading<C> => {
  const problems: string[] = [];
  const config: Record<string, unknown> = {};
  for (const [key, { env: name, schema, about }] of entriesOf(definition)) {
    const raw = env[name] === '' ? undefined : env[name];
    const parsed = schema.safeParse(raw);
    if (parsed.success) config[key] = parsed.data;
    else problems.push(`${name}: ${raw === undefined ? 'is not set' : parsed.error.issues.map((issue) => issue.message).join('; ')} (${about})`);
  }
  // Every key of C has been parsed by the schema of its own setting.
  return problems.length === 0 ? { ok: true, config: config as C } : { ok: false, problems };
};

/** The effective values by variable name, for `--check-config` and start-up logs; secrets as `***`, unset ones left out. */
export const printableConfig = <C extends object>(definition: ConfigDefinition<C>, config: C): Record<string, unknown> => {
  const values = new Map<string, unknown>(Object.entries(config));
  return Object.fromEntries(entriesOf(definition)
    .filter(([key]) => values.get(key) !== undefined)
    .map(([key, { env, secret }]) => [env, secret ? '***' : values.get(key)]));
};

/** The one place a service reads its environment. */
// oxlint-disable-next-line node/no-process-env -- the config loader is where the environment enters
export const processEnvironment = (): Readonly<Record<string, string | undefined>> => process.env;
