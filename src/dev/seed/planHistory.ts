import type { Basket } from '../demo/baskets';
import { createSeededRandom } from '../demo/random';
import { addDays } from './planReceipts';
import type { SeedCommunity } from './seedModel';

/** One row of `POST /v1/demand-history`. */
export interface HistoryRow {
  sku: string;
  region: string;
  date: string;
  units: number;
  stockout: boolean;
}

interface HistoryPlan {
  baskets: readonly Basket[];
  communities: readonly SeedCommunity[];
  /** The day after the last one. */
  today: string;
}

const days = 42;
/** Every so many-th basket: a brand of a hundred and fifty orders a day. */
const everyNthBasket = 2;
/** From Monday: a live evening on Wednesday, and the weekend. */
const busyness = [0.8, 0.8, 1.2, 0.8, 1, 1.4, 1.4];
/** Of a hundred rows of more than a few units, so many sold out before the day was over. */
const soldOutOfHundred = 4;
const seed = 20_250_402;

/**
 * Six weeks of a young brand's sales, as its spreadsheet would have them: real baskets (CC0) of real households, put
 * on days and into regions at random, the same every time but for the dates. A few rows sold out, and then say less
 * than was asked for.
 */
export function planHistory({ baskets, communities, today }: HistoryPlan): HistoryRow[] {
  const random = createSeededRandom(seed);
  const regionOf = drawRegions(communities, random.next);
  const dates = Array.from({ length: days }, (_, index) => addDays(today, index - days));
  const rows = new Map<string, HistoryRow>();
  for (const [index, { household, lines }] of baskets.entries()) {
    const date = drawDay(dates, random.next());
    if (index % everyNthBasket !== 0) continue;
    for (const { sku, quantity } of lines) {
      const cell = { sku, region: regionOf(household), date };
      const key = JSON.stringify(cell);
      const row = rows.get(key) ?? { ...cell, units: 0, stockout: false };
      rows.set(key, { ...row, units: row.units + quantity });
    }
  }
  return [...rows.values()].map((row) =>
    row.units > 3 && random.next() * 100 < soldOutOfHundred
      ? { ...row, units: Math.ceil(row.units * (0.5 + random.next() / 2)), stockout: true }
      : row,
  );
}

/** A household stays where it lives; larger communities have more of them. */
function drawRegions(
  communities: readonly SeedCommunity[],
  next: () => number,
): (household: number) => string {
  const total = communities.reduce((sum, community) => sum + community.households, 0);
  const known = new Map<number, string>();
  return (household) => {
    const region = known.get(household) ?? pick(communities, next() * total);
    known.set(household, region);
    return region;
  };
}

function pick(communities: readonly SeedCommunity[], at: number): string {
  let passed = 0;
  for (const community of communities) {
    passed += community.households;
    if (at < passed) return community.region;
  }
  return communities.at(-1)?.region ?? '';
}

function drawDay(dates: readonly string[], share: number): string {
  const weights = dates.map((date) => busyness[(new Date(date).getUTCDay() + 6) % 7] as number);
  let left = share * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [index, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return dates[index] as string;
  }
  return dates.at(-1) as string;
}
