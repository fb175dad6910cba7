import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, TooltipComponent } from 'echarts/components';
import { init, use, type ECharts } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { useEffect, useRef, useSyncExternalStore } from 'react';

use([BarChart, LineChart, GridComponent, TooltipComponent, CanvasRenderer]);

export interface ChartPoint {
  readonly label: string;
  readonly value: number;
  /** What the tooltip prints: the exact text. */
  readonly exact: string;
}

export interface ChartProps {
  readonly kind: 'line' | 'bar';
  readonly title: string;
  readonly points: readonly ChartPoint[];
  readonly onPick?: (label: string) => void;
}

const dark = matchMedia('(prefers-color-scheme: dark)');
const subscribe = (listener: () => void): (() => void) => {
  dark.addEventListener('change', listener);
  return () => dark.removeEventListener('change', listener);
};

const optionsOf = ({ kind, points }: ChartProps, isDark: boolean): Parameters<ECharts['setOption']>[0] => {
  const ink = isDark ? '#b9c7cc' : '#45565c';
  const line = isDark ? '#2c3a40' : '#dde5e8';
  const accent = isDark ? '#4fc3d4' : '#0b6e80';
  const names = { type: 'category', data: points.map((point) => point.label), axisLabel: { color: ink, hideOverlap: true }, axisLine: { lineStyle: { color: line } }, axisTick: { show: false } };
  const values = { type: 'value', axisLabel: { color: ink, hideOverlap: true }, splitLine: { lineStyle: { color: line } } };
  return {
    animation: false,
    grid: { left: 8, right: 16, top: 16, bottom: 8, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    tooltip: { trigger: 'axis', formatter: ([hit]: { dataIndex: number }[]) => (hit === undefined ? '' : `${points[hit.dataIndex]?.label ?? ''}: ${points[hit.dataIndex]?.exact ?? ''}`), renderMode: 'richText' },
    xAxis: kind === 'line' ? names : values,
    yAxis: kind === 'line' ? values : { ...names, inverse: true },
    series: [kind === 'line'
      ? { type: 'line', data: points.map((point) => point.value), showSymbol: points.length < 60, symbolSize: 6, lineStyle: { width: 2, color: accent }, itemStyle: { color: accent }, areaStyle: { color: accent, opacity: 0.12 } }
      : { type: 'bar', data: points.map((point) => point.value), itemStyle: { color: accent, borderRadius: [0, 3, 3, 0] }, barMaxWidth: 22 }],
  };
};

/** A drawing for the eye; the same numbers stand in a table beside or below it for everybody else. */
export const Chart = (props: ChartProps) => {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts>(undefined);
  const picked = useRef(props.onPick);
  picked.current = props.onPick;
  const isDark = useSyncExternalStore(subscribe, () => dark.matches);
  useEffect(() => {
    if (place.current === null) return undefined;
    const made = init(place.current);
    chart.current = made;
    made.on('click', (event) => { if (typeof event.name === 'string') picked.current?.(event.name); });
    const watch = new ResizeObserver(() => made.resize());
    watch.observe(place.current);
    return () => { watch.disconnect(); made.dispose(); };
  }, []);
  useEffect(() => { chart.current?.setOption(optionsOf(props, isDark), true); }, [props.points, props.kind, isDark]);
  return <div className="chart" ref={place} role="img" aria-label={`${props.title}, ${props.points.length} points; the numbers are in the table.`} data-testid="chart" />;
};
