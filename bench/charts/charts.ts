import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bench, type BenchContext, BenchRefusal, type Measured } from '../support/bench';
import { describeMachine } from '../support/environment';
import { drawBars, drawLines } from './draw';
import { pointsOf, type Reading, readReadings } from './readings';

/** Draws what other benches have measured; measures nothing itself. */
export const charts: Bench = {
  name: 'charts',
  summary: 'draws the closing lines of other benches (--from FILE) as SVG files (--into DIR)',
  options: { from: { type: 'string' }, into: { type: 'string' } },
  run: (context) => Promise.resolve(drawAll(context)),
};

function drawAll({ options, say }: BenchContext): Measured {
  const { from, into = 'docs/images' } = options;
  if (typeof from !== 'string' || !existsSync(from))
    throw new BenchRefusal('--from names a file with the last lines of benches, one a line.');
  const drawn = chartsOf(readReadings(readFileSync(from, 'utf8')));
  if (drawn.length === 0) throw new BenchRefusal(`${from} holds no figures that a chart is made of.`);
  mkdirSync(String(into), { recursive: true });
  for (const { file, svg } of drawn) {
    writeFileSync(join(String(into), file), svg);
    say(`drew ${join(String(into), file)}`);
  }
  return { figures: [], environment: describeMachine() };
}

export interface DrawnChart {
  file: string;
  svg: string;
}

/** Every chart that these readings have the figures for. */
export function chartsOf(readings: ReadonlyMap<string, Reading>): DrawnChart[] {
  return [
    ...throughput(readings.get('intake-process'), {
      file: 'bench-throughput-process.svg',
      title: 'Orders a second over callers, in process, one hot SKU',
      lines: [
        ['group commit', 'ordersPerSecondAt'],
        ['one transaction an order', 'naiveOrdersPerSecondAt'],
      ],
    }),
    ...throughput(readings.get('intake-http'), {
      file: 'bench-throughput-http.svg',
      title: 'Answers a second over callers, over HTTP, one hot SKU',
      lines: [
        ['bare handler', 'bareAnswersPerSecondAt'],
        ['group commit', 'ordersPerSecondAt'],
        ['one transaction an order', 'naiveOrdersPerSecondAt'],
      ],
    }),
    ...latency(readings.get('intake-open')),
    ...processors(readings.get('intake-open')),
  ];
}

interface Throughput {
  file: string;
  title: string;
  lines: [name: string, prefix: string][];
}

function throughput(reading: Reading | undefined, { file, title, lines }: Throughput): DrawnChart[] {
  const drawn = lines.map(([name, prefix]) => ({ name, points: pointsOf(reading, prefix) }));
  if (drawn.some(({ points }) => points.length < 2)) return [];
  return [{ file, svg: drawLines({ title, x: 'callers', y: 'a second', logarithmic: true }, drawn) }];
}

function latency(reading: Reading | undefined): DrawnChart[] {
  const drawn = ['p50', 'p99'].map((name) => ({ name, points: pointsOf(reading, `${name}MsAt`) }));
  if (drawn.some(({ points }) => points.length < 2)) return [];
  const title = 'Latency over offered load, the whole stack on the same cores';
  const svg = drawLines({ title, x: 'orders offered a second', y: 'ms from when it was to be sent' }, drawn);
  return [{ file: 'bench-latency.svg', svg }];
}

function processors(reading: Reading | undefined): DrawnChart[] {
  const bars = (reading?.figures ?? []).flatMap(({ name, value }): [string, number][] =>
    name.endsWith('CpuMs') ? [[name.slice(0, -'CpuMs'.length), value]] : [],
  );
  if (bars.length === 0) return [];
  const title = 'Processor time by process, the whole stack';
  return [{ file: 'bench-cpu.svg', svg: drawBars({ title, x: 'ms an order' }, bars) }];
}
