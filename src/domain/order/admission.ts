import { sumBySku } from '../catalogue/explode';
import type { Sku, SkuQuantity, Zone } from '../catalogue/model';
import { zones } from '../catalogue/model';
import { chooseOrigins, type Origin, type SiteTake } from '../fulfilment/allocate';
import type { Route } from '../fulfilment/model';
import { type Journey, planRoutes, type RouteRefusal } from '../fulfilment/route';
import { isUsable, poolSellable, siteSellable } from '../inventory/availability';
import { takeFefo } from '../inventory/fefo';
import type { LotBalance } from '../inventory/model';
import { endOfDay, localDateOf } from '../network/calendar';
import type { Carrier, Instant, LocalDate, PickupPoint, PointZone, Site } from '../network/model';
import { type Campaign, quotaRemaining } from '../presale/model';
import type {
  DeliveryPromise,
  Destination,
  PlannedHold,
  PlannedLine,
  PlannedQuotaHold,
  Shortfall,
} from './model';

/** A SKU with the rules in force for it. */
export interface AdmissionSku extends Sku {
  minimumLifeDays: number;
  purchaseLimitUnits: number | null;
}

/** Everything the decision looks at, read under the stock locks. Quantities of past-due holds are already free. */
export interface AdmissionState {
  now: Instant;
  timeZone: string;
  skus: Map<string, AdmissionSku>;
  sites: Site[];
  carriers: Carrier[];
  pickupPoint: PickupPoint | null;
  /** Millilitres already taken at the pickup point. */
  pointLoad: Record<PointZone, number>;
  lots: LotBalance[];
  campaigns: Map<string, Campaign>;
  /** Units the buyer has open or paid of a SKU, within the purchase limit's scope. */
  bought: Map<string, number>;
}

export interface AdmissionRequest {
  lines: PlannedLine[];
  destination: Destination;
  /** Last instant at which the order may be paid; now, if it comes already paid. */
  payableUntil: Instant;
  /** A promise already given that must be kept; routes that arrive later do not count. */
  arriveBy?: Instant | null;
}

export interface Admitted {
  kind: 'admitted';
  holds: PlannedHold[];
  quotaHolds: PlannedQuotaHold[];
  /** Litres taken at the pickup point, in millilitres per zone. */
  capacity: { zone: PointZone; millilitres: number }[];
  promise: DeliveryPromise;
}

export type AdmissionRefusal =
  | { kind: 'soldOut'; shortfall: Shortfall[] }
  | { kind: 'quotaExhausted'; shortfall: Shortfall[] }
  | { kind: 'purchaseLimit'; sku: string; limit: number; bought: number; asked: number }
  | { kind: 'noRoute'; zone: Zone; because: 'nobodyMayCarryIt' | 'pickupPointFull' }
  | { kind: 'pastCutoff'; zone: Zone }
  | { kind: 'unknownRegion'; lineId: string };

export type Admission = Admitted | AdmissionRefusal;

/**
 * Admits an order whole or not at all: sites, lots, quota, litres and the promise. Pure; the same state and
 * request give the same plan. Keeps I3 (never more than can be sold, safety stock untouched), I13 (demand summed
 * before it is tested), I14 (enough life on the promised day) and I15 (litres of the point).
 */
export function planAdmission(request: AdmissionRequest, state: AdmissionState): Admission {
  const spot = request.lines.filter((line) => line.supply === 'spot');
  const presale = planQuota(request, state);
  if ('kind' in presale) return presale;
  const limit = checkPurchaseLimits(request.lines, state);
  if (limit) return limit;
  const stock = planStock(spot, request, state);
  if ('kind' in stock) return stock;
  const capacity = planCapacity(request, state);
  if ('kind' in capacity) return capacity;
  return {
    kind: 'admitted',
    holds: stock.holds,
    quotaHolds: presale.quotaHolds,
    capacity,
    promise: latestPromise([...stock.routes, ...presale.promises], state.now),
  };
}

function checkPurchaseLimits(lines: PlannedLine[], state: AdmissionState): AdmissionRefusal | null {
  for (const { sku, quantity } of sumBySku(lines)) {
    const limit = state.skus.get(sku)?.purchaseLimitUnits ?? null;
    const bought = state.bought.get(sku) ?? 0;
    if (limit !== null && bought + quantity > limit)
      return { kind: 'purchaseLimit', sku, limit, bought, asked: quantity };
  }
  return null;
}

interface QuotaPlan {
  quotaHolds: PlannedQuotaHold[];
  promises: DeliveryPromise[];
}

function planQuota(
  { lines, destination }: AdmissionRequest,
  state: AdmissionState,
): QuotaPlan | AdmissionRefusal {
  const presale = lines.filter((line) => line.supply === 'presale');
  const first = presale[0];
  if (!first) return { quotaHolds: [], promises: [] };
  const region = destination.region;
  if (region === null) return { kind: 'unknownRegion', lineId: first.lineId };
  const shortfall: Shortfall[] = [];
  for (const campaignId of [...new Set(presale.map((line) => line.campaignId ?? ''))].sort()) {
    const parts = presale.filter((line) => (line.campaignId ?? '') === campaignId);
    const asked = parts.reduce((sum, line) => sum + line.quantity, 0);
    const campaign = state.campaigns.get(campaignId);
    const sellable = campaign ? quotaRemaining(campaign, region, state.now) : 0;
    if (asked > sellable) shortfall.push({ sku: (parts[0] as PlannedLine).sku, asked, sellable, campaignId });
  }
  if (shortfall.length > 0) return { kind: 'quotaExhausted', shortfall };
  return {
    quotaHolds: presale.map((line) => ({
      lineId: line.lineId,
      campaignId: line.campaignId ?? '',
      region,
      quantity: line.quantity,
    })),
    promises: presale.map((line) =>
      presalePromise(state.campaigns.get(line.campaignId ?? '') as Campaign, state.timeZone),
    ),
  };
}

/** Presale goods leave at the latest so that they arrive by the campaign's last day. */
function presalePromise(campaign: Campaign, timeZone: string): DeliveryPromise {
  const deliverBy = endOfDay(campaign.deliverBy, timeZone);
  return { shipBy: deliverBy, deliverBy };
}

interface StockPlan {
  holds: PlannedHold[];
  routes: Route[];
}

function planStock(
  lines: PlannedLine[],
  request: AdmissionRequest,
  state: AdmissionState,
): StockPlan | AdmissionRefusal {
  const demand = sumBySku(lines.flatMap((line) => line.components));
  const takes: SiteTake[] = [];
  const shortfall: Shortfall[] = [];
  for (const zone of zones) {
    const wanted = demand.filter((part) => state.skus.get(part.sku)?.zone === zone);
    if (wanted.length === 0) continue;
    const routes = routesFrom(zone, request, state);
    if (typeof routes === 'string') {
      return routes === 'pastCutoff'
        ? { kind: 'pastCutoff', zone }
        : { kind: 'noRoute', zone, because: 'nobodyMayCarryIt' };
    }
    const short = findShortfall(wanted, routes, state);
    shortfall.push(...short);
    if (short.length > 0) continue;
    const origins = originsOf(wanted, routes, state);
    const chosen = chooseOrigins(wanted, origins, weightsOf(state));
    if (chosen) takes.push(...chosen);
    else shortfall.push(...wanted.map((part) => ({ ...shortOf(part, routes, state) })));
  }
  if (shortfall.length > 0) return { kind: 'soldOut', shortfall };
  return { holds: bindToLots(lines, takes, state), routes: takes.map((take) => take.route) };
}

function routesFrom(zone: Zone, request: AdmissionRequest, state: AdmissionState): Route[] | RouteRefusal {
  const { destination } = request;
  const journey: Journey = {
    zone,
    deliveryMethod: destination.deliveryMethod,
    location: destination.location,
    window: destination.window,
    pickupPoint: state.pickupPoint,
    readyAt: request.payableUntil,
    timeZone: state.timeZone,
  };
  const routes: Route[] = [];
  let refusal: RouteRefusal = 'noRoute';
  for (const site of state.sites) {
    const planned = planRoutes(site, journey, state.carriers);
    const arriveBy = request.arriveBy ?? Number.POSITIVE_INFINITY;
    if (typeof planned !== 'string') routes.push(...planned.filter((route) => route.deliverBy <= arriveBy));
    else if (planned === 'pastCutoff') refusal = 'pastCutoff';
  }
  return routes.length > 0 ? routes : refusal;
}

function findShortfall(wanted: SkuQuantity[], routes: Route[], state: AdmissionState): Shortfall[] {
  return wanted.map((part) => shortOf(part, routes, state)).filter((short) => short.sellable < short.asked);
}

/** What can be sold of a SKU to this buyer: what the serving sites can give, and never past the pool's safety stock. */
function shortOf(part: SkuQuantity, routes: Route[], state: AdmissionState): Shortfall {
  const fastest = new Map<string, LocalDate>();
  for (const route of routes) {
    const known = fastest.get(route.siteId);
    if (known === undefined || route.handOverOn < known) fastest.set(route.siteId, route.handOverOn);
  }
  const today = localDateOf(state.now, state.timeZone);
  const served = state.sites.map((site) => {
    const handOverOn = fastest.get(site.siteId);
    return {
      serves: handOverOn !== undefined,
      units: sellableAt(site, part.sku, handOverOn ?? today, state),
    };
  });
  const serving = served.reduce((sum, site) => sum + (site.serves ? site.units : 0), 0);
  const pool = poolSellable(
    served.map((site) => site.units),
    state.skus.get(part.sku)?.safetyStock ?? 0,
  );
  return { sku: part.sku, asked: part.quantity, sellable: Math.min(serving, pool) };
}

function usableLots(siteId: string, sku: string, handOverOn: LocalDate, state: AdmissionState): LotBalance[] {
  const minimum = state.skus.get(sku)?.minimumLifeDays ?? 0;
  return state.lots.filter(
    (lot) => lot.siteId === siteId && lot.sku === sku && isUsable(lot, handOverOn, minimum),
  );
}

function sellableAt(site: Site, sku: string, handOverOn: LocalDate, state: AdmissionState): number {
  return siteSellable(usableLots(site.siteId, sku, handOverOn, state), site.safetyStock);
}

/** One origin for each site and hand-over day: the cheapest route of that day. Sites with nothing to give drop out. */
function originsOf(wanted: SkuQuantity[], routes: Route[], state: AdmissionState): Origin[] {
  const origins: Origin[] = [];
  for (const route of routes) {
    const site = state.sites.find((candidate) => candidate.siteId === route.siteId) as Site;
    const sellable = new Map<string, number>();
    let earliestExpiry = '9999-12-31';
    for (const part of wanted) {
      const units = sellableAt(site, part.sku, route.handOverOn, state);
      if (units === 0) continue;
      sellable.set(part.sku, units);
      for (const lot of usableLots(site.siteId, part.sku, route.handOverOn, state)) {
        if (lot.expiresOn < earliestExpiry) earliestExpiry = lot.expiresOn;
      }
    }
    if (sellable.size > 0) origins.push({ route, sellable, earliestExpiry });
  }
  return origins;
}

function weightsOf(state: AdmissionState): Map<string, number> {
  return new Map([...state.skus].map(([id, sku]) => [id, sku.weightGrams]));
}

/** Turns units per site into units per line, site and lot: FEFO within a site, lines in their order. */
function bindToLots(lines: PlannedLine[], takes: SiteTake[], state: AdmissionState): PlannedHold[] {
  const holds: PlannedHold[] = [];
  const wanted = lines.flatMap((line) => line.components.map((part) => ({ lineId: line.lineId, ...part })));
  for (const take of takes) {
    const lots = takeFefo(
      usableLots(take.route.siteId, take.sku, take.route.handOverOn, state),
      take.quantity,
    );
    for (const lot of lots) {
      let units = lot.quantity;
      for (const part of wanted) {
        if (part.sku !== take.sku || part.quantity === 0 || units === 0) continue;
        const quantity = Math.min(units, part.quantity);
        part.quantity -= quantity;
        units -= quantity;
        holds.push({
          lineId: part.lineId,
          sku: take.sku,
          siteId: take.route.siteId,
          lotId: lot.lotId,
          quantity,
          handOverOn: take.route.handOverOn,
        });
      }
    }
  }
  return mergeHolds(holds);
}

/** A line that names a component twice would bind the same lot twice; one hold says it once. */
function mergeHolds(holds: PlannedHold[]): PlannedHold[] {
  const merged = new Map<string, PlannedHold>();
  for (const hold of holds) {
    const key = JSON.stringify([hold.lineId, hold.sku, hold.siteId, hold.lotId, hold.handOverOn]);
    const known = merged.get(key);
    if (known) known.quantity += hold.quantity;
    else merged.set(key, { ...hold });
  }
  return [...merged.values()];
}

/** Litres are taken for spot lines; presale goods take theirs when they have come and are planned. */
function planCapacity(
  request: AdmissionRequest,
  state: AdmissionState,
): Admitted['capacity'] | AdmissionRefusal {
  const point = state.pickupPoint;
  if (!point || request.destination.deliveryMethod !== 'pickup') return [];
  const millilitres = new Map<PointZone, number>();
  for (const part of sumBySku(
    request.lines.flatMap((line) => (line.supply === 'spot' ? line.components : [])),
  )) {
    const sku = state.skus.get(part.sku);
    if (!sku || sku.zone === 'special') continue;
    millilitres.set(sku.zone, (millilitres.get(sku.zone) ?? 0) + sku.volumeMillilitres * part.quantity);
  }
  for (const [zone, taken] of millilitres) {
    if (state.pointLoad[zone] + taken > point.capacity[zone])
      return { kind: 'noRoute', zone, because: 'pickupPointFull' };
  }
  return [...millilitres].map(([zone, taken]) => ({ zone, millilitres: taken }));
}

/** The buyer sees one promise: the last parcel's. */
function latestPromise(promises: DeliveryPromise[], now: Instant): DeliveryPromise {
  return {
    shipBy: Math.max(now, ...promises.map((promise) => promise.shipBy)),
    deliverBy: Math.max(now, ...promises.map((promise) => promise.deliverBy)),
  };
}
