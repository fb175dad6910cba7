import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, TooltipComponent } from 'echarts/components';
import { init, use, type ECharts } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { counted } from './format.ts';

use([BarChart, LineChart, GridComponent, TooltipComponent, CanvasRenderer]);

export interface ChartPoint {
  readonly key: string;
  readonly label: string;
  readonly value: number;
  /** What the tooltip prints: the exact text. */
  readonly exact: string;
}

export interface ChartProps {
  /** Along a time, or from the greatest down. */
  readonly kind: 'time' | 'rank';
  readonly title: string;
  /** What the values are of. */
  readonly axis?: string;
  readonly points: readonly ChartPoint[];
  /** Called with the key of the point that was clicked. */
  readonly onPick?: (key: string) => void;
}

/** A line through fewer is no course. */
const LEAST_LINE_POINTS = 3;

const dark = matchMedia('(prefers-color-scheme: dark)');
const subscribe = (listener: () => void): (() => void) => {
  dark.addEventListener('change', listener);
  return () => dark.removeEventListener('change', listener);
};

const seriesOf = ({ kind, points }: ChartProps, accent: string): object => {
  const data = points.map((point) => point.value);
  if (kind === 'rank') return { type: 'bar', data, itemStyle: { color: accent, borderRadius: [0, 3, 3, 0] }, barMaxWidth: 22 };
  if (points.length < LEAST_LINE_POINTS) return { type: 'bar', data, itemStyle: { color: accent, borderRadius: [3, 3, 0, 0] }, barMaxWidth: 60 };
  return { type: 'line', data, showSymbol: points.length < 60, symbolSize: 6, lineStyle: { width: 2, color: accent }, itemStyle: { color: accent }, areaStyle: { color: accent, opacity: 0.12 } };
};

const optionsOf = (props: ChartProps, isDark: boolean): Parameters<ECharts['setOption']>[0] => {
  const { kind, points, axis } = props;
  const ink = isDark ? '#b9c7cc' : '#45565c';
  const line = isDark ? '#2c3a40' : '#dde5e8';
  const names = { type: 'category', data: points.map((point) => point.label), axisLabel: { color: ink, hideOverlap: true }, axisLine: { lineStyle: { color: line } }, axisTick: { show: false } };
  const values = { type: 'value', ...(axis === undefined ? {} : { name: axis, nameTextStyle: { color: ink } }), axisLabel: { color: ink, hideOverlap: true }, splitLine: { lineStyle: { color: line } } };
  return {
    animation: false,
    grid: { left: 8, right: 16, top: axis === undefined ? 16 : 36, bottom: 8, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    tooltip: { trigger: 'axis', formatter: ([hit]: { dataIndex: number }[]) => (hit === undefined ? '' : `${points[hit.dataIndex]?.label ?? ''}: ${points[hit.dataIndex]?.exact ?? ''}`), renderMode: 'richText' },
    xAxis: kind === 'time' ? names : values,
    yAxis: kind === 'time' ? values : { ...names, inverse: true },
    series: [seriesOf(props, isDark ? '#4fc3d4' : '#0b6e80')],
  };
};

/** A drawing for the eye; the same numbers stand in a table beside or below it for everybody else. */
export const Chart = (props: ChartProps) => {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const isDark = useSyncExternalStore(subscribe, () => dark.matches);
  useEffect(() => {
    if (place.current === null) return undefined;
    const made = init(place.current);
    chart.current = made;
    made.on('click', ({ dataIndex }) => {
      const { points, onPick } = latest.current;
      const point = points[dataIndex];
      if (point) onPick?.(point.key);
    });
    const watch = new ResizeObserver(() => made.resize());
    watch.observe(place.current);
    return () => { watch.disconnect(); made.dispose(); };
  }, []);
  useEffect(() => { chart.current?.setOption(optionsOf(props, isDark), true); }, [props.points, props.kind, props.axis, isDark]);
  return <div className="chart" ref={place} role="img" aria-label={`${props.title}, ${counted(props.points.length, 'point')}; the numbers are in the table.`} data-testid="chart" />;
};
