/** What one region expects of a day. */
export interface RegionNeed {
  region: string;
  /** Units promised to presale orders. */
  presale: number;
  p50: number;
}

/**
 * Spreads what a supplier confirmed for a SKU and day over the regions: promised presale first, then in proportion
 * to what each region expects, in whole units. The parts sum to the whole.
 */
export function shareConfirmed(confirmed: number, regions: readonly RegionNeed[]): number[] {
  const promised = regions.map((each) => each.presale);
  const promisedUnits = sum(promised);
  if (confirmed <= promisedUnits) return spread(confirmed, promised);
  const expected = regions.map((each) => Math.max(0, each.p50 - each.presale));
  const rest = spread(confirmed - promisedUnits, sum(expected) > 0 ? expected : regions.map(() => 1));
  return promised.map((units, index) => units + (rest[index] as number));
}

/** Largest remainders; of equal ones the first. */
function spread(units: number, weights: readonly number[]): number[] {
  const total = sum(weights);
  if (total === 0) return weights.map(() => 0);
  const exact = weights.map((weight) => (units * weight) / total);
  const parts = exact.map(Math.floor);
  const byRemainder = exact
    .map((value, index) => ({ index, remainder: value - Math.floor(value) }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  const missing = units - sum(parts);
  for (const { index } of byRemainder.slice(0, missing)) parts[index] = (parts[index] as number) + 1;
  return parts;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
