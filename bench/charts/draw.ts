import { type EChartsOption, init } from 'echarts';
import { colours, curves } from '../../src/report/charts';

const size = { width: 760, height: 320 };
const grid = { left: 70, right: 24, top: 40, bottom: 48 };
const text = { fontFamily: 'system-ui,sans-serif', fontSize: 12, color: colours.ink };

export interface Line {
  name: string;
  points: [number, number][];
}

interface Axes {
  title: string;
  x: string;
  y: string;
  /** Over callers or offered loads that double from one point to the next. */
  logarithmic?: boolean;
}

/** Lines over numbers, as a file that stands by itself. */
export function drawLines({ title, x, y, logarithmic = false }: Axes, lines: readonly Line[]): string {
  const all = lines.flatMap(({ points }) => points.map(([at]) => at));
  return draw(title, {
    // text is measured without its font here: names need more room than it thinks
    legend: { top: 4, right: 24, itemGap: 40, textStyle: text },
    xAxis: {
      ...axis(x),
      type: logarithmic ? 'log' : 'value',
      logBase: 2,
      min: Math.min(...all),
      max: Math.max(...all),
    },
    yAxis: { ...axis(y), type: 'value', min: 0 },
    series: lines.map(({ name, points }, index) => {
      const { colour, dash } = curves[index % curves.length] as (typeof curves)[number];
      const type = dash.length === 0 ? ('solid' as const) : [...dash];
      return {
        name,
        type: 'line',
        data: points,
        symbol: 'circle',
        symbolSize: 5,
        itemStyle: { color: colour },
        lineStyle: { color: colour, width: 2, type },
      };
    }),
  });
}

/** A bar for each name, the longest first. */
export function drawBars({ title, x }: Pick<Axes, 'title' | 'x'>, bars: readonly [string, number][]): string {
  const sorted = [...bars].sort(([, a], [, b]) => b - a);
  return draw(title, {
    xAxis: { ...axis(x), type: 'value' },
    yAxis: { type: 'category', inverse: true, data: sorted.map(([name]) => name), axisLabel: text },
    grid: { ...grid, left: 130 },
    series: [
      {
        type: 'bar',
        data: sorted.map(([, value]) => value),
        itemStyle: { color: colours.good },
        label: { show: true, position: 'right', ...text },
      },
    ],
  });
}

function axis(name: string) {
  return { name, nameLocation: 'middle' as const, nameGap: 34, axisLabel: text, nameTextStyle: text };
}

function draw(title: string, option: EChartsOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size });
  try {
    const head = { text: title, left: 12, top: 4, textStyle: { ...text, fontSize: 13 } };
    chart.setOption({
      animation: false,
      backgroundColor: '#fff',
      textStyle: text,
      title: head,
      grid,
      ...option,
    });
    return `${chart.renderToSVGString()}\n`;
  } finally {
    chart.dispose();
  }
}
