import { chartsOf } from '../../bench/charts/charts';
import { pointsOf, readReadings } from '../../bench/charts/readings';

const line = (bench: string, values: Record<string, number>) =>
  JSON.stringify({
    bench,
    figures: Object.entries(values).map(([name, value]) => ({ name, value, unit: '' })),
    environment: {},
  });

test('closing lines are found among others, and of two runs the last one counts', () => {
  const text = ['round 1', line('growth', { a: 1 }), '{"other":1}', line('growth', { a: 2 }), ''].join('\n');
  const readings = readReadings(text);
  expect([...readings.keys()]).toEqual(['growth']);
  expect(readings.get('growth')?.figures[0]?.value).toBe(2);
});

test('figures that carry a number are points in the order of their numbers', () => {
  const text = line('intake-process', { ordersPerSecondAt64: 5, ordersPerSecondAt8: 3, ordersPerSecond: 9 });
  const reading = readReadings(text).get('intake-process');
  expect(pointsOf(reading, 'ordersPerSecondAt')).toEqual([
    [8, 3],
    [64, 5],
  ]);
  expect(pointsOf(undefined, 'ordersPerSecondAt')).toEqual([]);
});

test('each chart is drawn when its figures are there, as a file that stands by itself', () => {
  const process = { ordersPerSecondAt8: 900, ordersPerSecondAt64: 5_000 };
  const naive = { naiveOrdersPerSecondAt8: 400, naiveOrdersPerSecondAt64: 450 };
  const open = {
    p50MsAt500: 3,
    p50MsAt1000: 5,
    p99MsAt500: 20,
    p99MsAt1000: 60,
    postgresCpuMs: 0.4,
    apiCpuMs: 0.5,
  };
  const text = [
    line('intake-process', { ...process, ...naive }),
    line('intake-http', process),
    line('intake-open', open),
  ].join('\n');
  const drawn = chartsOf(readReadings(text));
  // HTTP lacks the bare handler's points
  expect(drawn.map(({ file }) => file)).toEqual([
    'bench-throughput-process.svg',
    'bench-latency.svg',
    'bench-cpu.svg',
  ]);
  for (const { svg } of drawn) expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  expect(drawn[0]?.svg).toContain('one transaction an order');
  expect(drawn[2]?.svg).toContain('postgres');
});
