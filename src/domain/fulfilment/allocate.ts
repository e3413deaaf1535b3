import type { SkuQuantity } from '../catalogue/model';
import type { Route } from './model';
import { byCost, compare, routeCostFen } from './route';

/** One site reached by one route, and what it can give of each SKU on that route's hand-over day. */
export interface Origin {
  route: Route;
  sellable: Map<string, number>;
  /** Earliest usable expiry among what it can give; breaks ties after cost and distance. */
  earliestExpiry: string;
}

export interface SiteTake {
  sku: string;
  quantity: number;
  route: Route;
}

/** Beyond this many origins in a plan the search stops being exhaustive; more than three parcels of one zone is rare. */
const exhaustiveOrigins = 3;

/**
 * Chooses the sites that serve one zone's demand at least carriage cost; among equals the nearest, then the
 * earliest usable expiry. Exhaustive over sets of up to three origins, then all sites by their fastest route, so
 * that a demand that can be met is met. Null: it cannot.
 */
export function chooseOrigins(
  demand: SkuQuantity[],
  origins: Origin[],
  weights: Map<string, number>,
): SiteTake[] | null {
  const ordered = [...origins].sort(byPreference(demand, weights));
  let best: Candidate | null = null;
  for (let size = 1; size <= exhaustiveOrigins; size += 1) {
    // opening so many sites costs at least this: nothing that large can be cheaper any more
    if (best && size > 1 && leastToOpen(ordered, size) > best.costFen) break;
    for (const set of setsOfDistinctSites(ordered, size)) {
      if (best && size > 1 && set.reduce((sum, origin) => sum + origin.route.rate.baseFen, 0) > best.costFen)
        continue;
      const candidate = evaluate(set, demand, weights);
      if (candidate && (!best || isBetter(candidate, best))) best = candidate;
    }
  }
  if (best) return best.takes;
  return evaluate(fastestPerSite(ordered), demand, weights)?.takes ?? null;
}

/** What routes to so many distinct sites cost before the first kilogram, at the least. */
function leastToOpen(origins: Origin[], size: number): number {
  const leastOfSite = new Map<string, number>();
  for (const { route } of origins) {
    const known = leastOfSite.get(route.siteId) ?? Number.POSITIVE_INFINITY;
    leastOfSite.set(route.siteId, Math.min(known, route.rate.baseFen));
  }
  if (leastOfSite.size < size) return Number.POSITIVE_INFINITY;
  return [...leastOfSite.values()]
    .sort((a, b) => a - b)
    .slice(0, size)
    .reduce((sum, fen) => sum + fen, 0);
}

interface Candidate {
  takes: SiteTake[];
  costFen: number;
  km: number;
  earliestExpiry: string;
}

function isBetter(a: Candidate, b: Candidate): boolean {
  return (a.costFen - b.costFen || a.km - b.km || compare(a.earliestExpiry, b.earliestExpiry)) < 0;
}

function byPreference(demand: SkuQuantity[], weights: Map<string, number>) {
  const weight = weightOf(demand, weights);
  const cheaper = byCost(weight);
  return (a: Origin, b: Origin) =>
    routeCostFen(a.route, weight) - routeCostFen(b.route, weight) ||
    (a.route.km ?? 0) - (b.route.km ?? 0) ||
    compare(a.earliestExpiry, b.earliestExpiry) ||
    compare(a.route.siteId, b.route.siteId) ||
    cheaper(a.route, b.route);
}

/**
 * Fills the demand from the set, cheapest kilogram first: what the set's routes cost to open is paid anyway, so for
 * a given set no other sharing is cheaper. Null when the set does not suffice.
 */
function evaluate(set: Origin[], demand: SkuQuantity[], weights: Map<string, number>): Candidate | null {
  const takes: SiteTake[] = [];
  const byKilogram = [...set].sort((a, b) => a.route.rate.perKgFen - b.route.rate.perKgFen);
  for (const { sku, quantity } of demand) {
    let missing = quantity;
    for (const origin of byKilogram) {
      const units = Math.min(missing, origin.sellable.get(sku) ?? 0);
      if (units > 0) takes.push({ sku, quantity: units, route: origin.route });
      missing -= units;
    }
    if (missing > 0) return null;
  }
  let costFen = 0;
  let km = 0;
  for (const origin of set) {
    const parts = takes.filter((take) => take.route === origin.route);
    if (parts.length === 0) continue;
    costFen += routeCostFen(origin.route, weightOf(parts, weights));
    km += origin.route.km ?? 0;
  }
  const earliestExpiry = set.map((origin) => origin.earliestExpiry).sort()[0] ?? '';
  return { takes, costFen, km, earliestExpiry };
}

export function weightOf(parts: SkuQuantity[], weights: Map<string, number>): number {
  return parts.reduce((sum, part) => sum + part.quantity * (weights.get(part.sku) ?? 0), 0);
}

function* setsOfDistinctSites(origins: Origin[], size: number): Generator<Origin[]> {
  yield* extend([], 0);
  function* extend(chosen: Origin[], from: number): Generator<Origin[]> {
    if (chosen.length === size) {
      yield chosen;
      return;
    }
    for (let index = from; index < origins.length; index += 1) {
      const origin = origins[index] as Origin;
      if (chosen.some((other) => other.route.siteId === origin.route.siteId)) continue;
      yield* extend([...chosen, origin], index + 1);
    }
  }
}

/** The earliest hand-over keeps the most lots usable, so this is the set that can serve the most. */
function fastestPerSite(origins: Origin[]): Origin[] {
  const fastest = new Map<string, Origin>();
  for (const origin of origins) {
    const known = fastest.get(origin.route.siteId);
    if (!known || origin.route.handOverOn < known.route.handOverOn) fastest.set(origin.route.siteId, origin);
  }
  return [...fastest.values()];
}
