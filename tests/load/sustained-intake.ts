import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { freeBase, freshHome, millraceJson, removeHome, startPlatform, until } from '../e2e/platform.ts';
import type { Progress } from './bench-result.ts';
import { LANES, orderPlaced, PER_REQUEST, post, requestBodies, type Door } from './intake-load.ts';

/** The ports of a platform, from its base on. */
const INGESTION = 1;
const ANALYTICS = 3;
const WAREHOUSE = 4;
const BACKBONE = 5;
/** Senders pause beyond this lag, as a producer does that watches its platform: what is on its way then stays below the five seconds allowed. */
const PAUSE_ABOVE_SECONDS = 3.5;
const SAMPLE_MS = 500;
const KPI_PROBES = 20;

interface Head { readonly tenant: string; readonly log: string; readonly head: number; readonly relayed: number }
interface Consumed { readonly tenant: string; readonly log: string; readonly position: number }

/** Every reader's lag in seconds: how long ago the log first stood above where the reader stands now. */
class LagWatch {
  private readonly history = new Map<string, { at: number; head: number }[]>();

  /** `now` in milliseconds. Positions are those of one reader of the log. */
  observe(log: string, head: number, position: number, now: number): number {
    const seen = this.history.get(log) ?? [];
    this.history.set(log, seen);
    if (head > (seen.at(-1)?.head ?? 0)) seen.push({ at: now, head });
    const missed = seen.find((one) => one.head > position);
    return missed === undefined ? 0 : Number(((now - missed.at) / 1000).toFixed(2));
  }
}

const watchLags = (base: number, token: string, tenant: string) => {
  const ask = async <T>(offset: number, path: string): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${base + offset}${path}?tenant=${tenant}`, { headers: { authorization: `Bearer ${token}` } });
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    return (await response.json()) as T;
  };
  const watch = new LagWatch();
  return async (): Promise<Record<'relay' | 'analytics' | 'warehouse', number>> => {
    // Readers first: a head read afterwards can only make a lag look longer.
    const [analytics, warehouse] = await Promise.all([ANALYTICS, WAREHOUSE].map((offset) => ask<{ consumers: Consumed[] }>(offset, '/v1/consumers')));
    const { logs } = await ask<{ logs: Head[] }>(BACKBONE, '/v1/logs');
    const now = performance.now();
    const worst = { relay: 0, analytics: 0, warehouse: 0 };
    for (const { log, tenant: of, head, relayed } of logs.filter((one) => one.tenant === tenant && /^(sales|customer)\//.test(one.log))) {
      worst.relay = Math.max(worst.relay, watch.observe(`${of} ${log}`, head, relayed, now));
      for (const [name, consumers] of [['analytics', analytics], ['warehouse', warehouse]] as const) {
        const consumed = consumers?.consumers.find((one) => one.tenant === of && one.log === log);
        if (consumed !== undefined) worst[name] = Math.max(worst[name], watch.observe(`${of} ${log}`, head, consumed.position, now));
      }
    }
    return worst;
  };
};

/** Time from sending an order to the KPI event that has it, on the stream the console passes on, one order at a time. */
const kpiLatencies = async (base: number, token: string, door: Door, tenant: string): Promise<number[]> => {
  const ended = new AbortController();
  const response = await fetch(`http://127.0.0.1:${base + ANALYTICS}/v1/stream?tenant=${tenant}`, { headers: { authorization: `Bearer ${token}` }, signal: ended.signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const nextKpi = async (): Promise<void> => {
    for (let text = ''; !/event: kpi\ndata: .*\n\n/.test(text);) text += (await reader.read()).value ?? '';
  };
  await nextKpi();
  const latencies: number[] = [];
  for (let n = 0; n < KPI_PROBES; n += 1) {
    const sent = performance.now();
    await Promise.all([nextKpi(), post(door, JSON.stringify([orderPlaced()]))]);
    latencies.push(performance.now() - sent);
  }
  ended.abort();
  return latencies;
};

export interface Sustained {
  readonly perSecond: number;
  readonly worstLagSeconds: Readonly<Record<string, number>>;
  readonly lagSamples: readonly Readonly<Record<string, number>>[];
  readonly requestToKpiMs: readonly number[];
}

/**
 * The whole platform on a fresh folder under load for a while: relay, analytics, warehouse and security as they ship. LANES senders go as
 * fast as they are answered and pause while a reader is more than PAUSE_ABOVE_SECONDS behind. Lags are sampled twice a second from the
 * services' own endpoints; every tenth sample is kept.
 */
export const sustainIntake = async (seconds: number, progress: Progress): Promise<Sustained> => {
  const home = await freshHome();
  const platform = await startPlatform({ home, base: await freeBase() });
  try {
    const token = (await readFile(join(home, 'secrets', 'operator.token'), 'utf8')).trim();
    const source = async (tenant: string): Promise<Door> => {
      const { key } = await millraceJson<{ key: string }>(home, 'source', 'add', 'bench', '--tenant', tenant, '--record-of', 'customer,sales');
      return { key, address: `http://127.0.0.1:${platform.base + INGESTION}` };
    };
    const [door, quiet] = [await source('shop'), await source('kpi')];
    const lags = watchLags(platform.base, token, 'shop');
    let [behind, going] = [0, true];
    let accepted = 0;
    const samples: Record<string, number>[] = [];
    const begun = performance.now();
    const senders = Array.from({ length: LANES }, async () => {
      while (going) {
        if (behind > PAUSE_ABOVE_SECONDS) { await new Promise((resolve) => { setTimeout(resolve, 50); }); continue; }
        await post(door, requestBodies(PER_REQUEST, true)[0]!);
        accepted += PER_REQUEST;
      }
    });
    const watching = (async () => {
      while (going) {
        const worst = await lags();
        behind = Math.max(...Object.values(worst));
        const second = Math.round((performance.now() - begun) / 1000);
        samples.push({ second, ...worst });
        progress('seconds with every reader at work', Math.min(second, seconds), seconds);
        await new Promise((resolve) => { setTimeout(resolve, SAMPLE_MS); });
      }
    })();
    await Promise.race([new Promise((resolve) => { setTimeout(resolve, seconds * 1000); }), Promise.all([watching, ...senders])]);
    going = false;
    await Promise.all([watching, ...senders]);
    const perSecond = accepted / ((performance.now() - begun) / 1000);
    await until('every reader at the head', async () => (Math.max(...Object.values(await lags())) === 0 ? true : undefined));
    await post(quiet, JSON.stringify([orderPlaced()]));
    const requestToKpiMs = await kpiLatencies(platform.base, token, quiet, 'kpi');
    const worst = (name: string): number => Number(Math.max(0, ...samples.map((sample) => sample[name] ?? 0)).toFixed(1));
    return { perSecond, requestToKpiMs, worstLagSeconds: { relay: worst('relay'), analytics: worst('analytics'), warehouse: worst('warehouse') }, lagSamples: samples.filter((_, n) => n % 10 === 0) };
  } finally {
    await platform.stop();
    await removeHome(home);
  }
};
