import { isoDay, nextDay } from './period.ts';

export const GRAINS = ['hour', 'day', 'month'] as const;
export type Grain = (typeof GRAINS)[number];

/** `custom` stands in the address as its two days; `all` as nothing. */
export const PERIODS = { all: 'All time', today: 'Today', '7d': '7 days', '30d': '30 days', custom: 'From … to' } as const;
export type Period = keyof typeof PERIODS;

/** What the overview shows, as its address says it. */
export interface OverviewView {
  readonly grain?: Grain;
  readonly currency?: string;
  readonly source?: string;
  readonly period: Period;
  /** Of a custom period: first and last day, both included. */
  readonly firstDay?: string;
  readonly lastDay?: string;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const DAYS_BACK = { today: 0, '7d': 6, '30d': 29 } as const;

const dayIn = (query: URLSearchParams, name: string): string | undefined => {
  const text = query.get(name) ?? '';
  return DAY.test(text) && !Number.isNaN(Date.parse(text)) ? text : undefined;
};

export const overviewOf = (query: URLSearchParams): OverviewView => {
  const [firstDay, lastDay, named] = [dayIn(query, 'from'), dayIn(query, 'to'), query.get('period')];
  const preset = (Object.keys(PERIODS) as Period[]).find((period) => period === named);
  return {
    grain: GRAINS.find((grain) => grain === query.get('grain')), currency: query.get('currency') ?? undefined, source: query.get('source') ?? undefined,
    period: preset ?? (firstDay !== undefined || lastDay !== undefined ? 'custom' : 'all'), firstDay, lastDay,
  };
};

/** The time the numbers are of: from inclusive, to exclusive, UTC. */
export const spanOf = ({ period, firstDay, lastDay }: OverviewView, now: Date): { from?: string; to?: string } => {
  if (period === 'all') return {};
  if (period === 'custom') return { ...(firstDay === undefined ? {} : { from: `${firstDay}T00:00:00.000Z` }), ...(lastDay === undefined ? {} : { to: `${nextDay(lastDay)}T00:00:00.000Z` }) };
  return { from: `${isoDay(new Date(now.getTime() - DAYS_BACK[period] * 86_400_000))}T00:00:00.000Z` };
};

/** Fine enough to see a course, coarse enough to see it whole. */
export const usualGrain = ({ period }: OverviewView, tenant: string): Grain =>
  period === 'today' ? 'hour' : period === 'all' ? (tenant === 'demo' ? 'hour' : 'month') : 'day';
