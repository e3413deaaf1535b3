import type { DemandDay, DemandSeries } from './model';
import { type CountDistribution, type Moments, momentsAtLeast, varianceOf } from './negativeBinomial';

/** What is believed of each day's demand; null: nothing is known. */
export interface EstimatedSeries {
  category: string;
  region: string;
  days: readonly (Moments | null)[];
}

/** Not knowing when it sold out, a day counts as at most so many times what it sold, unless more was expected. */
const longestLift = 3;

/** Before anything is expected: days in stock tell their demand, days that sold out are left out. */
export function trustInStock({ category, region, days }: DemandSeries): EstimatedSeries {
  return {
    category,
    region,
    days: days.map((day) => (day === null || day.stockout ? null : { mean: day.units, variance: 0 })),
  };
}

/**
 * A day's demand, given what was expected of it. Of a day that sold out, what was sold and, for the missed share m,
 * what is usual: y + m·μ; not knowing m, the mean of D given D ≥ y. A day with nothing to sell says nothing.
 */
export function estimateDay(day: DemandDay | null, expected: CountDistribution): Moments | null {
  if (day === null || (day.stockout && day.units === 0)) return null;
  if (!day.stockout) return { mean: day.units, variance: 0 };
  if (day.missedShare !== null) {
    const missed = { mean: day.missedShare * expected.mean, dispersion: expected.dispersion };
    return { mean: day.units + missed.mean, variance: varianceOf(missed) };
  }
  const { mean, variance } = momentsAtLeast(expected, day.units);
  return { mean: Math.min(mean, Math.max(expected.mean, longestLift * day.units)), variance };
}
