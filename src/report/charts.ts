import type * as ECharts from 'echarts';
import type { EChartsOption } from 'echarts';
import type { Zone } from '../domain/catalogue/model';
import type { PromiseOutcome } from '../domain/live/showFacts';

/** Colours that keep 3 : 1 against the paper and can be told apart without red and green. */
export const colours = {
  ink: '#1b2420',
  soft: '#54625b',
  line: '#dde3df',
  good: '#0f7b4f',
  blue: '#1f6fb2',
  amber: '#b5690b',
  bad: '#b42318',
  quiet: '#8a9791',
} as const;

export const zoneColours: Record<Zone, string> = {
  ambient: '#c07a12',
  chilled: '#2a93b8',
  frozen: '#3a4fa3',
  special: '#a8448f',
};

export const outcomeColours: Record<PromiseOutcome, string> = {
  kept: colours.good,
  late: colours.amber,
  overdue: colours.bad,
  returned: '#7a3e9d',
  due: '#b9c3bd',
};

/** Lines that differ by dash as well as by colour. */
export const curves: readonly { colour: string; dash: number[] }[] = [
  { colour: '#0f7b4f', dash: [] },
  { colour: '#1f6fb2', dash: [8, 3] },
  { colour: '#b5690b', dash: [2, 3] },
  { colour: '#a8448f', dash: [10, 3, 2, 3] },
  { colour: '#b42318', dash: [] },
  { colour: '#3a4fa3', dash: [8, 3] },
  { colour: '#5b6b21', dash: [2, 3] },
  { colour: '#54625b', dash: [10, 3, 2, 3] },
];

/** Charts are drawn twice, for paper and screens and for phones: scaled down, their words could not be read. */
const widths = { wide: 760, narrow: 360 } as const;

export interface Chart {
  height: number;
  option: (width: number) => EChartsOption;
}

const fontFamily = 'system-ui,PingFang SC,Microsoft YaHei,Noto Sans CJK SC,sans-serif';

/** With the first chart: 20 MB that a process which draws none need not hold. */
function loadECharts(): typeof ECharts {
  return require('echarts') as typeof ECharts;
}

/** Both drawings as SVG: no script, no font, no id that another chart has. */
export function drawChart(name: string, chart: Chart): string {
  return (Object.keys(widths) as (keyof typeof widths)[])
    .map((size) => `<div class="${size}">${drawSvg(`${name}-${size}`, widths[size], chart)}</div>`)
    .join('');
}

function drawSvg(id: string, width: number, { height, option }: Chart): string {
  const { init } = loadECharts();
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({
      animation: false,
      textStyle: { fontFamily, fontSize: 12, color: colours.ink },
      ...option(width),
    });
    return tidy(chart.renderToSVGString(), id);
  } finally {
    chart.dispose();
  }
}

/** What only a script would need goes; ids, which the library counts up over the process, become the chart's own. */
function tidy(svg: string, id: string): string {
  return svg
    .replace(/<style[^>]*>[\s\S]*?<\/style>/g, '')
    .replaceAll(/ (?:ecmeta_\w+|pointer-events|baseProfile|version|xmlns(?::xlink)?|class)="[^"]*"/g, '')
    .replaceAll(/user-select:none;?|font-family:[^;"]*;?/g, '')
    .replaceAll(/ style=""/g, '')
    .replaceAll(/(?<=["#(])zr\d+-/g, `${id}-`)
    .replaceAll(/(\d+\.\d\d)\d+/g, '$1')
    .replaceAll(/>\s+</g, '><')
    .replace('<svg ', '<svg aria-hidden="true" focusable="false" ')
    .trim();
}

const axisLine = { lineStyle: { color: colours.quiet } };
const axisLabel = { color: colours.soft, fontSize: 11 };

function countAxis() {
  return {
    type: 'value' as const,
    min: 0,
    minInterval: 1,
    splitNumber: 4,
    axisLabel,
    splitLine: { lineStyle: { color: colours.line } },
  };
}

function timeAxis(labels: readonly string[], boundaryGap: boolean) {
  return {
    type: 'category' as const,
    data: [...labels],
    boundaryGap,
    axisLine,
    axisTick: { show: false },
    axisLabel: { ...axisLabel, hideOverlap: true },
  };
}

const grid = { left: 48, right: 14, top: 12, bottom: 26, containLabel: false };

/** Bars for what came, a line for what followed. */
export function barsAndLine(
  labels: readonly string[],
  bars: readonly number[],
  line: readonly number[],
): Chart {
  return {
    height: 230,
    option: () => ({
      grid,
      xAxis: timeAxis(labels, true),
      yAxis: countAxis(),
      series: [
        {
          type: 'bar',
          data: [...bars],
          silent: true,
          barCategoryGap: '15%',
          itemStyle: { color: '#b9c3bd' },
        },
        {
          type: 'line',
          data: [...line],
          silent: true,
          symbol: 'none',
          lineStyle: { color: colours.good, width: 2 },
        },
      ],
    }),
  };
}

export interface Curve {
  values: readonly (number | null)[];
  colour: string;
  dash: readonly number[];
}

/** Curves over time; steps where a number stands until it changes. */
export function drawCurves(
  labels: readonly string[],
  curvesOf: readonly Curve[],
  { steps }: { steps: boolean },
): Chart {
  return {
    height: 250,
    option: () => ({
      grid,
      xAxis: timeAxis(labels, false),
      yAxis: { ...countAxis(), minInterval: steps ? 1 : undefined },
      series: curvesOf.map(({ values, colour, dash }) => ({
        type: 'line' as const,
        data: [...values],
        silent: true,
        step: steps ? ('end' as const) : undefined,
        // a value between two gaps is no line: it needs a mark to be seen
        symbol: steps ? 'none' : 'circle',
        symbolSize: 3,
        connectNulls: false,
        itemStyle: { color: colour },
        lineStyle: { color: colour, width: 2, type: dash.length === 0 ? ('solid' as const) : [...dash] },
      })),
    }),
  };
}

export interface Layer {
  colour: string;
  values: readonly number[];
}

const stacked = (layers: readonly Layer[]) =>
  layers.map(({ colour, values }) => ({
    type: 'bar' as const,
    stack: 'all',
    silent: true,
    barMaxWidth: 26,
    data: values.map((value) => (value === 0 ? null : value)),
    itemStyle: { color: colour, borderColor: '#fff', borderWidth: 0.5 },
  }));

/** Named rows, each a bar of layers with its total behind it. */
export function stackedRows(names: readonly string[], layers: readonly Layer[]): Chart {
  const totals = names.map((_, row) => layers.reduce((sum, { values }) => sum + (values[row] ?? 0), 0));
  return {
    height: 26 * names.length + 40,
    option: (width) => {
      // text is measured without its font here: the margin is wider than the label may be
      const labelWidth = width > widths.narrow ? 180 : 100;
      return {
        grid: { left: labelWidth + 26, right: 44, top: 4, bottom: 26, containLabel: false },
        xAxis: countAxis(),
        yAxis: {
          type: 'category',
          data: [...names],
          inverse: true,
          axisLine,
          axisTick: { show: false },
          axisLabel: { ...axisLabel, color: colours.ink, width: labelWidth, overflow: 'truncate' },
        },
        series: [
          ...stacked(layers),
          {
            type: 'bar' as const,
            stack: 'all',
            silent: true,
            data: totals.map(() => 0),
            label: {
              show: true,
              position: 'right' as const,
              color: colours.ink,
              fontSize: 11,
              formatter: ({ dataIndex }: { dataIndex: number }) => String(totals[dataIndex]),
            },
          },
        ],
      };
    },
  };
}

/** Columns over a category axis, each of layers. */
export function stackedColumns(labels: readonly string[], layers: readonly Layer[]): Chart {
  return {
    height: 240,
    option: () => ({ grid, xAxis: timeAxis(labels, true), yAxis: countAxis(), series: stacked(layers) }),
  };
}
