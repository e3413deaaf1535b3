import type { Heard } from './audience';

/** One movement that lowered what can be sold of a SKU; milliseconds of the machine's clock. */
export interface Change {
  sku: string;
  /** What could be sold once it was committed. */
  sellable: number;
  /** When it was written, a little before its commit. */
  at: number;
}

export interface Delays {
  /** From a change to a page that shows it: this share of all pairs of a change and a page was not slower. */
  percentile(percent: number): number;
  longest: number;
  pairs: number;
}

/**
 * How long each change took to each page. A change is shown by the first frame whose number is not above its own:
 * several changes share a frame. Stock only falls meanwhile, so that numbers tell changes apart.
 */
export function measureDelays(changes: readonly Change[], heard: readonly Heard[]): Delays {
  const bySku = new Map<string, Heard[]>();
  for (const frame of heard) bySku.set(frame.sku, [...(bySku.get(frame.sku) ?? []), frame]);
  for (const frames of bySku.values()) frames.sort((a, b) => b.sellable - a.sellable);
  const counts = new Map<number, number>();
  for (const { sku, sellable, at } of changes) {
    const frame = bySku.get(sku)?.find((candidate) => candidate.sellable <= sellable);
    for (const [arrivedAt, pages] of frame?.arrivals ?? []) {
      const delay = Math.max(0, arrivedAt - at);
      counts.set(delay, (counts.get(delay) ?? 0) + pages);
    }
  }
  const sorted = [...counts].sort(([a], [b]) => a - b);
  const pairs = sorted.reduce((sum, [, pages]) => sum + pages, 0);
  return {
    percentile(percent) {
      let passed = 0;
      for (const [delay, pages] of sorted) {
        passed += pages;
        if (passed >= (pairs * percent) / 100) return delay;
      }
      return Number.NaN;
    },
    longest: sorted.at(-1)?.[0] ?? Number.NaN,
    pairs,
  };
}
