import { median } from './figures';

const slicesPerQuintile = 10;

/**
 * By how many percent the last fifth of a run went faster (or slower, below zero) than the first. Within each fifth
 * the rate is the median of ten slices of equally many events, so that one stall of the machine decides nothing.
 * `times` are the moments of the events, in milliseconds, in any order; at least 100 of them.
 */
export function rateDriftPercent(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  if (sorted.length < 5 * slicesPerQuintile * 2) return Number.NaN;
  const size = Math.floor(sorted.length / (5 * slicesPerQuintile));
  const rates = Array.from({ length: 5 * slicesPerQuintile }, (_, slice) => {
    const from = sorted[slice * size] as number;
    // to the first event of the next slice: what lies between belongs to this one
    const to = sorted[Math.min((slice + 1) * size, sorted.length - 1)] as number;
    return size / (to - from);
  });
  const first = median(rates.slice(0, slicesPerQuintile));
  const last = median(rates.slice(-slicesPerQuintile));
  return (last / first - 1) * 100;
}
