import { randomOf, type Random } from './random.ts';

/** Every process of the platform that can be killed by name; `supervisor` takes all others with it. */
export const PROCESSES = ['ingestion', 'security', 'analytics', 'warehouse', 'backbone', 'console', 'postgres-events', 'postgres-reads', 'postgres-keys', 'nats', 'supervisor'] as const;
export type ProcessName = (typeof PROCESSES)[number];

const FREEZABLE: readonly ProcessName[] = ['ingestion', 'security', 'analytics', 'warehouse', 'backbone', 'postgres-events', 'nats'];

/** Faults that need no more than the rights of whoever runs the platform. */
export const PLAIN_FAULTS = ['kill', 'freeze', 'frozen-relay', 'two-relays', 'cut-commit', 'cut-answer', 'older-bus', 'clock', 'older-events', 'frozen-through-recover', 'kill-witness'] as const;
/** Faults of a disk: they need root and loop mounts. */
export const POWER_CUTS = ['power-cut-events', 'power-cut-nats', 'power-cut-both'] as const;
export const DISK_FAULTS = [...POWER_CUTS, 'disk-full'] as const;
export const FAULTS = [...PLAIN_FAULTS, ...DISK_FAULTS] as const;
export type FaultName = (typeof FAULTS)[number];

/** One fault of a cycle and its moment. */
export interface PlannedFault {
  readonly name: FaultName;
  /** Of `kill` and `freeze`. */
  readonly victim?: ProcessName;
  /** It strikes once so many events of the cycle are acknowledged… */
  readonly afterAcknowledged: number;
  /** …and so long after that. */
  readonly delayMs: number;
  /** How long what it stops stays stopped, where that is for us to say. */
  readonly lastsMs: number;
  /** Of `clock`: a day, forward or back. */
  readonly offsetMs?: number;
}

export interface CyclePlan {
  readonly seed: string;
  readonly cycle: number;
  readonly tenant: string;
  /** Events at least, duplicates and conflicts apart. */
  readonly events: number;
  readonly lanes: number;
  readonly faults: readonly PlannedFault[];
}

export const LEAST_EVENTS = 5_000;
const MOST_PAUSE_MS = 400;
const PAIR_CHANCE = 0.4;
const DAY_MS = 24 * 3600 * 1000;

const plannedFault = (random: Random, name: FaultName, afterAcknowledged: number): PlannedFault => ({
  name, afterAcknowledged, delayMs: random.between(0, MOST_PAUSE_MS), lastsMs: random.between(800, 3500),
  ...(name === 'kill' ? { victim: random.pick(PROCESSES) } : name === 'freeze' ? { victim: random.pick(FREEZABLE) } : {}),
  ...(name === 'clock' ? { offsetMs: random.pick([DAY_MS, -DAY_MS]) } : {}),
});

/** Two faults that both replace the same volume or need the platform for themselves would only get into each other's way. */
const ALONE: ReadonlySet<FaultName> = new Set<FaultName>([...DISK_FAULTS, 'older-bus', 'clock', 'older-events', 'frozen-through-recover']);

/** Kills are what most cycles are for; the second of a pair may be any fault that leaves the first its volume. */
const drawn = (random: Random, from: readonly FaultName[]): FaultName[] => {
  const first = from.includes('kill') && random.chance(0.5) ? 'kill' : random.pick(from);
  if (!random.chance(PAIR_CHANCE)) return [first];
  const partners = from.filter((name) => !ALONE.has(name) || !ALONE.has(first)).filter((name) => name === 'kill' || name !== first);
  return partners.length === 0 ? [first] : [first, random.pick(partners)];
};

/** A tenant of its own per cycle: its logs begin at position 1 and are read whole. */
export const tenantOf = (seed: string, cycle: number): string => `c-${seed}-${cycle}`;

/** The plan of one cycle: a function of seed, cycle and the faults to draw from, and of nothing else. */
export const planOf = (seed: string, cycle: number, from: readonly FaultName[] = PLAIN_FAULTS, leastEvents = LEAST_EVENTS): CyclePlan => {
  const random = randomOf('plan', seed, cycle);
  const events = leastEvents + random.between(100, 900);
  const first = random.between(Math.floor(events * 0.1), Math.floor(events * 0.6));
  const second = random.chance(0.5) ? first : random.between(first, Math.floor(events * 0.8));
  const faults = drawn(random, from).map((name, index) => plannedFault(random, name, index === 0 ? first : second));
  return { seed, cycle, tenant: tenantOf(seed, cycle), events, lanes: random.between(5, 8), faults };
};

export const parseSeed = (text: string): string => {
  if (/^[a-z0-9]{1,12}$/.test(text)) return text;
  throw new Error(`a seed is 1 to 12 of a-z and 0-9: it stands in tenants' names; got "${text.slice(0, 20)}"`);
};
