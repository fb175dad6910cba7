import { createServer } from 'node:net';
import { DomainError } from '@millrace/kernel';

export const DEFAULT_PORT = 7400;

/** Who listens where, from one base port (docs/architecture.md). 22 is kept free: it was NATS' monitoring. */
export const PORT_OFFSETS = {
  console: 0, ingestion: 1, security: 2, analytics: 3, warehouse: 4, backbone: 5, witness: 6,
  'postgres-events': 11, 'postgres-reads': 12, 'postgres-keys': 13, supervisor: 20, nats: 21,
} as const;

export type Listener = keyof typeof PORT_OFFSETS;
export type PortPlan = Readonly<Record<Listener, number>>;

export const portPlan = (base: number): PortPlan =>
  Object.fromEntries(Object.entries(PORT_OFFSETS).map(([name, offset]) => [name, base + offset])) as Record<Listener, number>;

export const parsePort = (text: string): number => {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1024 && port <= 65_500) return port;
  throw new DomainError('invalid', 'port-malformed', {}, `--port wants a number from 1024 to 65500 (it and the 22 after it are used); got "${text.slice(0, 20)}"`);
};

const canListen = (port: number): Promise<boolean> => new Promise((resolve) => {
  const probe = createServer();
  probe.once('error', () => resolve(false));
  probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
});

/** Those of the listeners whose port somebody else holds. */
export const takenPorts = async (plan: PortPlan, listeners: readonly Listener[]): Promise<Listener[]> => {
  const free = await Promise.all(listeners.map((name) => canListen(plan[name])));
  return listeners.filter((_, index) => free[index] !== true);
};

/** Throws `port-taken`, naming the port and the way out. */
export const requireFreePorts = async (plan: PortPlan, listeners: readonly Listener[]): Promise<void> => {
  const taken = await takenPorts(plan, listeners);
  if (taken.length === 0) return;
  const named = taken.map((name) => `${plan[name]} (for ${name})`).join(', ');
  throw new DomainError('conflict', 'port-taken', { port: plan[taken[0]!] },
    `port ${named} is already in use: end the program that listens there, or choose another range with --port (default ${DEFAULT_PORT})`);
};
