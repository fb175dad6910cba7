/** The platform's own facts, such as who logged in, are kept under this tenant. */
const PLATFORM = 'millrace';
const DEMO = 'demo';
const DEFAULT = 'shop';

export interface TenantLog { readonly tenant: string; readonly log: string }

export const isTenantName = (text: string | null): text is string => text !== null && /^[a-z0-9-]{1,32}$/.test(text);

export const hasSales = (logs: readonly TenantLog[], tenant: string): boolean => logs.some((log) => log.tenant === tenant && log.log.startsWith('sales/'));

/** A shop's own tenants by name, then the demo, then the platform. */
const inOrder = (names: Iterable<string>): string[] => {
  const rank = (name: string): number => (name === PLATFORM ? 2 : name === DEMO ? 1 : 0);
  return [...new Set(names)].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
};

/** Whose numbers are shown: whom the address names, else who was looked at last, else the first who sells. Undefined while that can't be told yet. */
export const chosenTenant = ({ address, stored, logs }: { readonly address: string | null; readonly stored: string | null; readonly logs?: readonly TenantLog[] }): string | undefined => {
  if (address !== null) return address;
  if (isTenantName(stored)) return stored;
  return logs && (inOrder(logs.map((log) => log.tenant)).find((tenant) => hasSales(logs, tenant)) ?? DEFAULT);
};

/** What can be chosen: tenants that have a log, and the one that is chosen, even before its first event. */
export const tenantOptions = (logs: readonly TenantLog[], chosen: string): { readonly name: string; readonly label: string }[] =>
  inOrder([chosen, ...logs.map((log) => log.tenant)]).map((name) => ({ name, label: name === PLATFORM ? `${name} (platform audit)` : name }));
