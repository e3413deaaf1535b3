import { measureDelays } from '../../bench/stream/delays';

const heard = (sellable: number, arrivals: [at: number, pages: number][], sku = 'a') => ({
  sku,
  sellable,
  arrivals: new Map(arrivals),
});

test('a change is shown by the first frame that is not above it; several changes may share a frame', () => {
  const changes = [
    { sku: 'a', sellable: 9, at: 1000 },
    { sku: 'a', sellable: 8, at: 1040 },
    { sku: 'a', sellable: 7, at: 1100 },
  ];
  const frames = [
    heard(7, [[1200, 10]]),
    heard(8, [
      [1050, 9],
      [1090, 1],
    ]),
  ];
  const delays = measureDelays(changes, frames);
  expect(delays.pairs).toBe(30);
  expect(delays.longest).toBe(100);
  // 9 × 10 ms, 9 × 50 ms, one each of 50 and 90, 10 × 100
  expect([
    delays.percentile(30),
    delays.percentile(50),
    delays.percentile(65),
    delays.percentile(99),
  ]).toEqual([10, 50, 90, 100]);
});

test('SKUs are kept apart, and what nobody was told counts nothing: the pairs are missing', () => {
  const changes = [
    { sku: 'a', sellable: 3, at: 0 },
    { sku: 'b', sellable: 3, at: 0 },
  ];
  expect(measureDelays(changes, [heard(3, [[5, 2]], 'b')])).toMatchObject({ pairs: 2, longest: 5 });
  expect(measureDelays(changes, []).percentile(99)).toBeNaN();
});
