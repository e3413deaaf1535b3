import type { EstimatedSeries } from './estimate';
import { planPools } from './pools';

/** What a series without days of its own is expected to sell a day, and how much such series differ. */
export interface PoolRate {
  rate: number;
  /** Variance between the series of a pool, over the squared rate. */
  spread: number;
}

/** So many series of the wider pool stand beside a pool's own. */
const priorSeries = 2;
/** Until a pool shows it: one new SKU may well sell twice or half what another does. */
const priorSpread = 1;

interface RateSums {
  series: number;
  sum: number;
  squares: number;
}

/** Rates pooled by category and region, shrunk towards the category's, and that towards everybody's. */
export function planPoolRates(series: readonly EstimatedSeries[]) {
  return planPools<RateSums, PoolRate, EstimatedSeries>(series, {
    empty: () => ({ series: 0, sum: 0, squares: 0 }),
    add(sums, { days }) {
      const known = days.filter((day) => day !== null);
      if (known.length === 0) return;
      const rate = known.reduce((sum, day) => sum + day.mean, 0) / known.length;
      sums.series += 1;
      sums.sum += rate;
      sums.squares += rate * rate;
    },
    summarise,
  });
}

function summarise({ series, sum, squares }: RateSums, wider: PoolRate | null): PoolRate {
  if (series === 0) return wider ?? { rate: 0, spread: priorSpread };
  const own = sum / series;
  const rate = wider === null ? own : (sum + priorSeries * wider.rate) / (series + priorSeries);
  const prior = wider?.spread ?? priorSpread;
  if (rate === 0) return { rate, spread: prior };
  const variance = Math.max(0, squares / series - own * own);
  return {
    rate,
    spread: (series * (variance / (rate * rate)) + priorSeries * prior) / (series + priorSeries),
  };
}
