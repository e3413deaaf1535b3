import { closingLine } from '../../bench/run';
import { rateDriftPercent } from '../../bench/support/drift';
import { describeMachine } from '../../bench/support/environment';
import { figure, median } from '../../bench/support/figures';
import { parseStat, readCpuMs, readPeakMB } from '../../bench/support/processes';
import { formatFigures } from '../../bench/support/table';

test('a figure is judged as it was measured and shown rounded', () => {
  expect(figure('rate', 14.999, { unit: '/s', demand: { atLeast: 15 } })).toEqual({
    name: 'rate',
    value: 15,
    unit: '/s',
    bar: 15,
    ok: false,
  });
  expect(figure('memory', 800, { unit: 'MB', demand: { atMost: 800 } }).ok).toBe(true);
  expect(figure('drift', -15.1, { unit: '%', demand: { within: 15 } }).ok).toBe(false);
  expect(figure('drift', -14.9, { unit: '%', demand: { within: 15 } }).ok).toBe(true);
  expect(figure('accepted', 10_000, { unit: 'orders', demand: { exactly: 10_000 } }).ok).toBe(true);
  expect(figure('accepted', 10_000.4, { unit: 'orders', demand: { exactly: 10_000 } }).ok).toBe(false);
  expect(figure('rate', Number.NaN, { unit: '/s', demand: { atLeast: 0 } }).ok).toBe(false);
  expect(figure('events', 24.46, { unit: 'events' })).toEqual({
    name: 'events',
    value: 24.5,
    unit: 'events',
  });
});

test('the median is the middle, or the middle of the two in the middle', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([])).toBeNaN();
});

test('the closing line is one line of JSON with the fixed fields', () => {
  const figures = [figure('livesPerSecond', 16, { unit: 'lives/s', demand: { atLeast: 15 } })];
  const line = closingLine({ name: 'order-lives' }, { figures, environment: describeMachine() });
  expect(line).not.toContain('\n');
  const { bench, environment, ...rest } = JSON.parse(line) as Record<string, object>;
  expect(bench).toBe('order-lives');
  expect(rest).toEqual({ figures });
  expect(Object.keys(environment ?? {})).toEqual([
    'cpu',
    'cores',
    'node',
    'postgres',
    'temporal',
    'schemaHash',
    'durability',
  ]);
});

test('a missed bar is seen in the table', () => {
  const lines = formatFigures([figure('serverMB', 900, { unit: 'MB', demand: { atMost: 800 } })]);
  expect(lines.at(-1)).toMatch(/^serverMB +900 +MB +800 +MISSED$/);
});

describe('drift of a rate', () => {
  const steady = (count: number, stepMs: number, from = 0) =>
    Array.from({ length: count }, (_, index) => from + index * stepMs);

  test('a steady rate does not drift, in whatever order its events are listed', () => {
    expect(rateDriftPercent(steady(10_000, 6))).toBeCloseTo(0);
    expect(rateDriftPercent(steady(10_000, 6).reverse())).toBeCloseTo(0);
  });

  test('a rate that falls to half at the end drifts by -50 %', () => {
    const fast = steady(8_000, 25);
    expect(rateDriftPercent([...fast, ...steady(2_000, 50, fast.at(-1))])).toBeCloseTo(-50, 0);
  });

  test('events noted in batches count as spread over the time of their batch', () => {
    const noted = steady(10_000, 6).map((at, index) => Math.ceil(at / 1536) * 1536 + (index % 256) / 100);
    expect(Math.abs(rateDriftPercent(noted))).toBeLessThan(3);
  });

  test('one stall decides nothing', () => {
    const before = steady(500, 25);
    expect(rateDriftPercent([...before, ...steady(9_500, 25, 60_000)])).toBeCloseTo(0);
  });

  test('too few events say nothing', () => {
    expect(rateDriftPercent(steady(99, 1))).toBeNaN();
  });
});

test('processor time is read from behind the name of the program, whatever it is called', () => {
  const text = `7 (a) b (c) S 3 7 7 0 -1 0 0 0 0 0 12 8 5 4 20 0 1 0 100 0 0`;
  expect(parseStat(text)).toEqual({ parent: 3, ownMs: 200, endedChildrenMs: 90 });
});

test('this process has used time and memory', () => {
  expect(readCpuMs(process.pid)).toBeGreaterThan(0);
  expect(readPeakMB(process.pid)).toBeGreaterThan(10);
});
