/** What puts a series into a pool. */
export interface Pooled {
  category: string;
  region: string;
}

interface PoolRules<Series, Sums, Summary> {
  empty(): Sums;
  add(sums: Sums, series: Series): void;
  /** `wider`: what the next larger pool says; null at the top. */
  summarise(sums: Sums, wider: Summary | null): Summary;
}

/**
 * Learns by pools: category and region, shrunk towards the category, shrunk towards everybody. Whoever is in no pool
 * yet gets what the next larger one says.
 */
export function planPools<Sums, Summary, Series extends Pooled = Pooled>(
  series: readonly Series[],
  { empty, add, summarise }: PoolRules<Series, Sums, Summary>,
): { of(one: Pooled): Summary } {
  const sums = new Map<string, Sums>();
  const sumsOf = (key: string) => {
    const known = sums.get(key) ?? empty();
    sums.set(key, known);
    return known;
  };
  for (const each of series) for (const key of keysOf(each)) add(sumsOf(key), each);
  const summaries = new Map<string, Summary>();
  const summaryOf = (keys: string[]): Summary => {
    const [key = '', ...wider] = keys;
    let summary = summaries.get(key);
    if (summary === undefined) {
      summary = summarise(sums.get(key) ?? empty(), wider.length === 0 ? null : summaryOf(wider));
      summaries.set(key, summary);
    }
    return summary;
  };
  return { of: (one) => summaryOf(keysOf(one)) };
}

/** Narrowest first. */
function keysOf({ category, region }: Pooled): string[] {
  return [JSON.stringify([category, region]), JSON.stringify([category]), '[]'];
}
