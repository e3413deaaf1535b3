import fc from 'fast-check';
import { type Batch, type Layout, type Work, batchAt, coresFor, limitsOf } from '../../bench/scaling/model';
import { comparePoints, readMeasurements } from '../../bench/scaling/points';

const work: Work = { api: 0.4, postgres: 0.2, temporal: 2 };
const apart: Layout = {
  pools: [
    { name: 'front', cores: 4, roles: ['api'] },
    { name: 'database', cores: 2, roles: ['postgres'] },
    { name: 'behind', cores: 8, roles: ['temporal', 'worker'] },
  ],
  threads: { api: 2 },
};
const batch: Batch = { fixedMs: 5, perOrderMs: 0.1, mostOrders: 200 };

test('each resource limits by what it has and what it is asked for, the scarcest first', () => {
  expect(limitsOf(apart, { work, batch })).toEqual([
    { resource: 'behind', perSecond: 4000 },
    { resource: 'api threads', perSecond: 5000 },
    { resource: 'hot lanes', perSecond: 8000 },
    { resource: 'front', perSecond: 10_000 },
    { resource: 'database', perSecond: 10_000 },
  ]);
});

test('a machine that all share adds their costs up', () => {
  const pools = [{ name: 'machine', cores: 2, roles: ['api', 'postgres', 'temporal'] as const }];
  expect(limitsOf({ pools }, { work })[0]?.perSecond).toBeCloseTo(2000 / 2.6);
});

test('work that has precedence leaves the rest, and never less than nothing', () => {
  const limit = (perSecond: number) =>
    limitsOf(apart, { work: { temporal: 2 }, beside: [{ work: { temporal: 4 }, perSecond }] })[0]?.perSecond;
  expect(limit(1000)).toBe(2000);
  expect(limit(3000)).toBe(0);
});

test('lanes multiply what a hot SKU allows', () => {
  const hot = (lanes: number) =>
    limitsOf({ ...apart, lanes }, { work, batch }).find(({ resource }) => resource === 'hot lanes')
      ?.perSecond;
  expect(hot(4)).toBe(4 * (hot(1) as number));
});

test('a batch settles where it holds what comes while one is on its way', () => {
  expect(batchAt(50, batch)).toEqual({ orders: 1, ms: 5.1 });
  expect(batchAt(5000, batch)).toEqual({ orders: 50, ms: 10 });
  expect(batchAt(8000, batch)?.ms).toBeCloseTo(25);
  expect(batchAt(8001, batch)).toBeNull();
});

test('more load never means smaller or faster batches, and a batch takes what its orders cost', () => {
  const rate = fc.double({ min: 1, max: 8000, noNaN: true });
  fc.assert(
    fc.property(rate, rate, (one, other) => {
      const [low, high] = [Math.min(one, other), Math.max(one, other)].map((each) => batchAt(each, batch));
      if (!low || !high) throw new Error('both rates are within the lane');
      expect(high.orders).toBeGreaterThanOrEqual(low.orders);
      expect(high.ms).toBeCloseTo(batch.fixedMs + high.orders * batch.perOrderMs);
    }),
  );
});

test('cores are planned with room', () => {
  const loads = [
    { work: { api: 0.4, postgres: 0.2 }, perSecond: 1000 },
    { work: { postgres: 1 }, perSecond: 100 },
  ];
  const { api, postgres } = coresFor(loads, { share: 0.5 });
  expect(api).toBeCloseTo(0.8);
  expect(postgres).toBeCloseTo(0.6);
});

test.each(comparePoints(readMeasurements()).map((each) => [each.point.what, each] as const))(
  'the model tells what was measured: %s',
  (_, { point, first, errorPercent }) => {
    expect(first.resource).toBe(point.firstToSaturate);
    expect(Math.abs(errorPercent)).toBeLessThanOrEqual(point.withinPercent);
  },
);
