import { median } from './figures';

const slicesPerQuintile = 10;
const fewestEvents = 5 * slicesPerQuintile * 2;
/** Events noted closer together than this were noted together, whenever they happened. */
const batchMs = 20;

/**
 * By how many percent the last fifth of a run went faster (or slower, below zero) than the first. Within each fifth
 * the rate is the median of ten slices of equally many events, so that one stall of the machine decides nothing.
 * `times` are the moments of the events, in milliseconds, in any order; NaN for fewer than 100 of them.
 */
export function rateDriftPercent(times: readonly number[]): number {
  if (times.length < fewestEvents) return Number.NaN;
  const spread = spreadBatches([...times].sort((a, b) => a - b));
  const slices = 5 * slicesPerQuintile;
  const timeAt = (slice: number) => spread[Math.round((slice / slices) * (spread.length - 1))] as number;
  const rates = Array.from({ length: slices }, (_, slice) => 1 / (timeAt(slice + 1) - timeAt(slice)));
  const first = median(rates.slice(0, slicesPerQuintile));
  const last = median(rates.slice(-slicesPerQuintile));
  return (last / first - 1) * 100;
}

/** What was noted as one batch happened, evenly, since the batch before it. */
function spreadBatches(sorted: readonly number[]): number[] {
  const spread: number[] = [];
  let previous = sorted[0] as number;
  for (let from = 0; from < sorted.length; ) {
    let to = from + 1;
    while (to < sorted.length && (sorted[to] as number) - (sorted[to - 1] as number) < batchMs) to += 1;
    const end = sorted[to - 1] as number;
    for (let index = from; index < to; index += 1) {
      spread.push(previous + ((end - previous) * (index - from + 1)) / (to - from));
    }
    previous = end;
    from = to;
  }
  return spread;
}
