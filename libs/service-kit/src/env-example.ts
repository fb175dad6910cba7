import type { ConfigDefinition, Setting } from './env.config.ts';

const linesOf = ({ env, schema, about, secret, defaultText }: Setting<unknown>): string[] => {
  const unset = schema.safeParse(undefined);
  if (!unset.success) return [`# ${about} (required${secret ? ', secret' : ''})`, `${env}=`];
  const value = defaultText === undefined && ['string', 'number', 'boolean'].includes(typeof unset.data) ? JSON.stringify(unset.data).replaceAll('"', '') : '';
  return [`# ${about}${defaultText === undefined ? '' : ` (default: ${defaultText})`}`, `# ${env}=${value}`];
};

/** The settings of the processes of an app as an environment file: required ones to be filled in, the others commented out at their defaults. */
export const envExample = (app: string, definitions: readonly ConfigDefinition<object>[]): string => {
  const parts = definitions.map((definition) => {
    const settings: Setting<unknown>[] = Object.values(definition.settings);
    return [...(definitions.length > 1 ? [`# ---- ${definition.service} ----`] : []), ...settings.map((one) => linesOf(one).join('\n'))].join('\n\n');
  });
  return [`# Settings of ${app}. Written by tools/env-examples.mjs from src/*.config.ts: change them there.`, ...parts].join('\n\n').concat('\n');
};
