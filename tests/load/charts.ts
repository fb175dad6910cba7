import { init, type EChartsCoreOption } from 'echarts';
import type { Bar } from './bars.ts';
import { figureAt } from './bars.ts';
import type { BenchDocument } from './bench-result.ts';

/** Colour-blind safe (Okabe and Ito), legible on white and on black. */
const BLUE = '#0072b2';
const ORANGE = '#e69f00';
const GREY = '#777777';

const ROW_PX = 34;
const FRAME_PX = 90;

/** An SVG by echarts' server-side renderer; the same input makes the same text. */
const render = (rows: number, option: EChartsCoreOption): string => {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 860, height: FRAME_PX + ROW_PX * rows });
  chart.setOption({ animation: false, textStyle: { fontFamily: 'system-ui, sans-serif', color: GREY }, ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
};

const frame = (title: string, names: readonly string[]): EChartsCoreOption => ({
  title: { text: title, textStyle: { fontSize: 14, color: GREY } },
  grid: { left: 150, right: 90, top: 50, bottom: 30 },
  yAxis: { type: 'category', data: names, inverse: true },
});

/** Median of each ratio as a share of its bar, with the smallest and largest round; the line at 1 is the bar. */
export const ratioChart = (document: BenchDocument, bars: readonly Bar[]): string => {
  const rows = bars.flatMap((bar) => {
    const name = bar.at.replace('ratios.', '');
    const figure = figureAt(document, bar.at);
    const spread = document.spread[name];
    return figure === undefined || spread === undefined || bar.atLeast === undefined ? [] : [{ name, figure, least: bar.atLeast, ...spread }];
  });
  const points = (pick: (row: (typeof rows)[number]) => number): [number, number][] => rows.map((row, n) => [Number((pick(row) / row.least).toFixed(3)), n]);
  return render(rows.length, {
    ...frame(`${document.name}: ratios as a share of their bars (median; ticks: smallest and largest round)`, rows.map((row) => row.name)),
    xAxis: { type: 'value', min: 0 },
    series: [
      {
        type: 'bar', barWidth: 16, data: rows.map((row) => ({ value: Number((row.figure / row.least).toFixed(3)), itemStyle: { color: row.figure >= row.least ? BLUE : ORANGE }, label: { show: true, position: 'right', color: GREY, formatter: `${row.figure} of ${row.least}` } })),
        markLine: { symbol: 'none', silent: true, lineStyle: { color: GREY, type: 'dashed' }, label: { formatter: 'bar' }, data: [{ xAxis: 1 }] },
      },
      ...[points((row) => row.min), points((row) => row.max)].map((data) => ({ type: 'scatter', symbol: 'rect', symbolSize: [2, 22], itemStyle: { color: GREY }, data })),
    ],
  });
};

/** Median rates by side, and the rounds they come from as dots. */
export const rateChart = (document: BenchDocument): string => {
  const sides = Object.keys(document.rounds[0] ?? {});
  const rows = sides.map((name) => ({ name, values: document.rounds.map((round) => round[name]!).toSorted((a, b) => a - b) }));
  return render(rows.length, {
    ...frame(`${document.name}: ${sides.every((name) => name.endsWith('Ms')) ? 'milliseconds' : 'per second'} (median; dots: rounds)`, sides),
    xAxis: { type: 'value', min: 0 },
    series: [
      { type: 'bar', barWidth: 16, itemStyle: { color: BLUE, opacity: 0.6 }, data: rows.map(({ values }) => values[Math.ceil(values.length / 2) - 1]!) },
      { type: 'scatter', symbolSize: 5, itemStyle: { color: ORANGE }, data: rows.flatMap(({ values }, n) => values.map((value) => [value, n])) },
    ],
  });
};
