import fc from 'fast-check';
import { momentsAtLeast, quantilesOf } from '../../../src/domain/forecast/negativeBinomial';

const distribution = fc.record({
  mean: fc.double({ min: 0.01, max: 900, noNaN: true }),
  dispersion: fc.double({ min: 0, max: 3, noNaN: true }),
});
const probabilities = [0.1, 0.5, 0.9];

test('quantiles are whole, not negative, and ascend', () => {
  fc.assert(
    fc.property(distribution, (demand) => {
      const quantiles = quantilesOf(demand, probabilities);
      expect(quantiles).toHaveLength(3);
      for (const each of quantiles) expect(Number.isSafeInteger(each) && each >= 0).toBe(true);
      expect([...quantiles].sort((a, b) => a - b)).toEqual(quantiles);
    }),
  );
});

test('a larger mean never has a smaller quantile', () => {
  fc.assert(
    fc.property(distribution, fc.double({ min: 1, max: 2, noNaN: true }), (demand, factor) => {
      // the exact sum and the smooth approximation may differ by a little where one takes over
      fc.pre(demand.mean * factor <= 400 || demand.mean > 400);
      const more = quantilesOf({ ...demand, mean: demand.mean * factor }, probabilities);
      for (const [index, each] of quantilesOf(demand, probabilities).entries())
        expect(more[index]).toBeGreaterThanOrEqual(each);
    }),
  );
});

test('the textbook: Poisson of mean 4, and geometric of mean 1', () => {
  expect(quantilesOf({ mean: 4, dispersion: 0 }, probabilities)).toEqual([2, 4, 7]);
  // P(X ≤ k) = 1 − 2^−(k+1)
  expect(quantilesOf({ mean: 1, dispersion: 1 }, [0.4, 0.74, 0.9])).toEqual([0, 1, 3]);
  expect(quantilesOf({ mean: 0, dispersion: 1 }, probabilities)).toEqual([0, 0, 0]);
});

test('the smooth approximation continues the exact sum', () => {
  for (const dispersion of [0, 0.01, 0.1, 0.5, 1]) {
    const exact = quantilesOf({ mean: 399.9, dispersion }, probabilities);
    const smooth = quantilesOf({ mean: 400.1, dispersion }, probabilities);
    for (const [index, each] of exact.entries())
      expect(Math.abs((smooth[index] as number) - each)).toBeLessThanOrEqual(3 + each * 0.02);
  }
});

test('a censored day is worth at least what it sold, at least the mean, and the mean when it sold nothing', () => {
  fc.assert(
    fc.property(distribution, fc.nat(500), (demand, sold) => {
      const worth = momentsAtLeast(demand, sold).mean;
      expect(worth).toBeGreaterThanOrEqual(sold);
      expect(worth).toBeGreaterThanOrEqual(demand.mean - 1e-6);
      expect(momentsAtLeast(demand, 0).mean).toBeCloseTo(demand.mean);
    }),
  );
});

test('a geometric that is at least k is k and the same geometric again', () => {
  for (const sold of [1, 2, 5, 9]) {
    const { mean, variance } = momentsAtLeast({ mean: 3, dispersion: 1 }, sold);
    expect(mean).toBeCloseTo(sold + 3);
    expect(variance).toBeCloseTo(12);
  }
});
