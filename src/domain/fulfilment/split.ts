import { type Zone, zones } from '../catalogue/model';
import type { Carrier, Instant, LocalDate, Location, PickupPoint, Site } from '../network/model';
import type { DeliveryMethod } from '../order/model';
import type { Route, Via } from './model';
import { packParcels, type ParcelPlan } from './parcel';
import { byCost, compare, planRoutes, routeCostFen } from './route';

/** Units an order has committed at a site, with what routing must know of their SKU. */
export interface SplitHold {
  holdId: string;
  siteId: string;
  zone: Zone;
  quantity: number;
  weightGrams: number;
  volumeMillilitres: number;
  /** Last day on which these units may be handed over: the lot's last day less the life the buyer was promised. */
  keepsUntil: LocalDate;
}

export interface SplitRequest {
  holds: SplitHold[];
  sites: Site[];
  carriers: Carrier[];
  deliveryMethod: DeliveryMethod;
  /** Where the buyer is, if it is known at all. */
  location: Location | null;
  pickupPoint: PickupPoint | null;
  window: { from: Instant; to: Instant } | null;
  now: Instant;
  /** What the buyer was promised. */
  deliverBy: Instant;
  timeZone: string;
}

export interface ShipmentPlan {
  zone: Zone;
  siteId: string;
  via: Via;
  costFen: number;
  weightGrams: number;
  volumeMillilitres: number;
  shipBy: Instant;
  deliverBy: Instant;
  handOverOn: LocalDate;
  parcels: ParcelPlan[];
}

export interface SplitRefusal {
  kind: 'noRoute';
  zone: Zone;
  siteId: string;
  /** `tooLittleLife`: somebody would carry it, but it would arrive with less life than was promised. */
  because: 'nobodyMayCarryIt' | 'pastCutoff' | 'tooLittleLife' | 'unknownSite';
}

export type SplitPlan = { kind: 'planned'; shipments: ShipmentPlan[] } | SplitRefusal;

/**
 * Splits an order's committed units into shipments: one for each site and zone, so that zones never share a parcel
 * (I5), each on the cheapest route that keeps the promise, else on the earliest; never on one that hands over goods
 * with less life than promised (I14). All or nothing: what cannot be carried refuses the whole plan. Sites are not
 * chosen here: the holds bound them at intake. Pure; the order of the holds does not matter.
 */
export function planSplit(request: SplitRequest): SplitPlan {
  const shipments: ShipmentPlan[] = [];
  for (const group of groupBySiteAndZone(request.holds)) {
    const planned = planShipment(group, request);
    if ('kind' in planned) return planned;
    shipments.push(planned);
  }
  return { kind: 'planned', shipments };
}

interface Group {
  siteId: string;
  zone: Zone;
  holds: SplitHold[];
}

function groupBySiteAndZone(holds: SplitHold[]): Group[] {
  const groups = new Map<string, Group>();
  for (const hold of holds) {
    const key = JSON.stringify([hold.zone, hold.siteId]);
    const group = groups.get(key) ?? { siteId: hold.siteId, zone: hold.zone, holds: [] };
    group.holds.push(hold);
    groups.set(key, group);
  }
  return [...groups.values()].sort(
    (a, b) => zones.indexOf(a.zone) - zones.indexOf(b.zone) || compare(a.siteId, b.siteId),
  );
}

function planShipment({ siteId, zone, holds }: Group, request: SplitRequest): ShipmentPlan | SplitRefusal {
  const weightGrams = holds.reduce((sum, hold) => sum + hold.quantity * hold.weightGrams, 0);
  const route = chooseRoute({ siteId, zone, holds }, weightGrams, request);
  if (typeof route === 'string') return { kind: 'noRoute', zone, siteId, because: route };
  return {
    zone,
    siteId,
    via: route.via,
    costFen: routeCostFen(route, weightGrams),
    weightGrams,
    volumeMillilitres: holds.reduce((sum, hold) => sum + hold.quantity * hold.volumeMillilitres, 0),
    shipBy: route.shipBy,
    deliverBy: route.deliverBy,
    handOverOn: route.handOverOn,
    parcels: packParcels(holds),
  };
}

function chooseRoute(
  group: Group,
  weightGrams: number,
  request: SplitRequest,
): Route | SplitRefusal['because'] {
  const site = request.sites.find((candidate) => candidate.siteId === group.siteId);
  if (!site) return 'unknownSite';
  const { deliveryMethod, location, pickupPoint, window, timeZone, now: readyAt } = request;
  const journey = { zone: group.zone, deliveryMethod, location, pickupPoint, window, readyAt, timeZone };
  const routes = planRoutes(site, journey, request.carriers);
  if (typeof routes === 'string') return routes === 'pastCutoff' ? 'pastCutoff' : 'nobodyMayCarryIt';
  const fresh = routes.filter((route) => group.holds.every((hold) => route.handOverOn <= hold.keepsUntil));
  const cheaper = byCost(weightGrams);
  const inTime = fresh.filter((route) => route.deliverBy <= request.deliverBy).sort(cheaper);
  const [best] =
    inTime.length > 0 ? inTime : fresh.sort((a, b) => a.deliverBy - b.deliverBy || cheaper(a, b));
  return best ?? 'tooLittleLife';
}
