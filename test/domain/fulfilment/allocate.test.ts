import fc from 'fast-check';
import type { SkuQuantity } from '../../../src/domain/catalogue/model';
import { chooseOrigins, type Origin, type SiteTake } from '../../../src/domain/fulfilment/allocate';
import { routeCostFen } from '../../../src/domain/fulfilment/route';
import { someOrigins } from '../arbitrary';

// hundreds of runs on a busy machine; jest's five seconds are no sign of a fault
jest.setTimeout(60_000);

const weights = new Map([
  ['a', 1000],
  ['b', 2000],
]);
const someDemand = fc
  .record({ a: fc.nat(6), b: fc.nat(6) })
  .filter(({ a, b }) => a + b > 0)
  .map(({ a, b }): SkuQuantity[] => [
    ...(a > 0 ? [{ sku: 'a', quantity: a }] : []),
    ...(b > 0 ? [{ sku: 'b', quantity: b }] : []),
  ]);

function costOf(takes: SiteTake[]): number {
  const routes = [...new Set(takes.map((take) => take.route))];
  return routes.reduce((sum, route) => {
    const grams = takes
      .filter((take) => take.route === route)
      .reduce((total, take) => total + take.quantity * (weights.get(take.sku) ?? 0), 0);
    return sum + routeCostFen(route, grams);
  }, 0);
}

/** The least cost over every set of routes of distinct sites and every way to share the units among them. */
function bruteForce(demand: SkuQuantity[], origins: Origin[]): number | null {
  let best: number | null = null;
  for (let mask = 1; mask < 1 << origins.length; mask += 1) {
    const set = origins.filter((_, index) => mask & (1 << index));
    if (new Set(set.map((origin) => origin.route.siteId)).size < set.length) continue;
    for (const takes of shares(demand, set)) {
      const cost = costOf(takes);
      if (best === null || cost < best) best = cost;
    }
  }
  return best;
}

function* shares(demand: SkuQuantity[], set: Origin[]): Generator<SiteTake[]> {
  const [first, ...rest] = demand;
  if (!first) {
    yield [];
    return;
  }
  for (const mine of sharesOf(first, set)) for (const others of shares(rest, set)) yield [...mine, ...others];
}

function* sharesOf({ sku, quantity }: SkuQuantity, set: Origin[]): Generator<SiteTake[]> {
  const [origin, ...rest] = set;
  if (!origin) {
    if (quantity === 0) yield [];
    return;
  }
  for (let units = 0; units <= Math.min(quantity, origin.sellable.get(sku) ?? 0); units += 1) {
    const take = units > 0 ? [{ sku, quantity: units, route: origin.route }] : [];
    for (const others of sharesOf({ sku, quantity: quantity - units }, rest)) yield [...take, ...others];
  }
}

test('least cost over up to three sites, as brute force finds it', () => {
  fc.assert(
    fc.property(someDemand, someOrigins, (demand, origins) => {
      const chosen = chooseOrigins(demand, origins, weights);
      const least = bruteForce(demand, origins);
      expect(chosen === null ? null : costOf(chosen)).toBe(least);
    }),
    { numRuns: 400 },
  );
});

test('the whole demand, never more than an origin has, each site by one route', () => {
  fc.assert(
    fc.property(someDemand, someOrigins, (demand, origins) => {
      const takes = chooseOrigins(demand, origins, weights);
      if (takes === null) return;
      for (const { sku, quantity } of demand) {
        expect(takes.filter((take) => take.sku === sku).reduce((sum, take) => sum + take.quantity, 0)).toBe(
          quantity,
        );
      }
      for (const origin of origins) {
        for (const sku of ['a', 'b']) {
          const taken = takes
            .filter((take) => take.route === origin.route && take.sku === sku)
            .reduce((sum, take) => sum + take.quantity, 0);
          expect(taken).toBeLessThanOrEqual(origin.sellable.get(sku) ?? 0);
        }
      }
      const routes = [...new Set(takes.map((take) => take.route))];
      expect(new Set(routes.map((route) => route.siteId)).size).toBe(routes.length);
    }),
    { numRuns: 400 },
  );
});

test('the order of the origins does not change the cost', () => {
  fc.assert(
    fc.property(someDemand, someOrigins, (demand, origins) => {
      const one = chooseOrigins(demand, origins, weights);
      const other = chooseOrigins(demand, [...origins].reverse(), weights);
      expect(other === null ? null : costOf(other)).toBe(one === null ? null : costOf(one));
    }),
  );
});

test('among equal costs the nearer site', () => {
  const at = (siteId: string, km: number): Origin => ({
    route: {
      siteId,
      via: { carrierId: 'c' },
      rate: { baseFen: 100, perKgFen: 0, perKmFen: 0 },
      km,
      shipBy: 0,
      deliverBy: 0,
      handOverOn: '2026-11-25',
    },
    sellable: new Map([['a', 5]]),
    earliestExpiry: '2026-12-01',
  });
  const takes = chooseOrigins([{ sku: 'a', quantity: 2 }], [at('far', 50), at('near', 5)], weights);
  expect(takes?.map((take) => take.route.siteId)).toEqual(['near']);
});

test('a demand that only all of many sites can meet is met', () => {
  const origins = Array.from(
    { length: 7 },
    (_, index): Origin => ({
      route: {
        siteId: `s${index}`,
        via: { carrierId: 'c' },
        rate: { baseFen: 100, perKgFen: 0, perKmFen: 0 },
        km: index,
        shipBy: 0,
        deliverBy: 0,
        handOverOn: '2026-11-25',
      },
      sellable: new Map([['a', 1]]),
      earliestExpiry: '2026-12-01',
    }),
  );
  expect(chooseOrigins([{ sku: 'a', quantity: 7 }], origins, weights)).toHaveLength(7);
  expect(chooseOrigins([{ sku: 'a', quantity: 8 }], origins, weights)).toBeNull();
});
