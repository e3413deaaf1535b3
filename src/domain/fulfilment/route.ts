import type { Zone } from '../catalogue/model';
import {
  addDays,
  endOfDay,
  instantOf,
  localDateOf,
  nextDeparture,
  nextHandOverDay,
} from '../network/calendar';
import { distanceKm } from '../network/distance';
import type { Carrier, Instant, Location, PickupPoint, Rate, Site } from '../network/model';
import type { Route } from './model';

/** What a leader run costs; a rule of the house until runs have prices of their own (decision 0007). */
export const leaderRunRate: Rate = { baseFen: 100, perKgFen: 30, perKmFen: 2 };
/** A leader run reaches its point on the next day, and a day later for each 600 km of line haul. */
const runKmPerDay = 600;

export interface Journey {
  zone: Zone;
  deliveryMethod: 'express' | 'pickup' | 'local';
  /** Where the buyer is, if it is known at all. */
  location: Location | null;
  pickupPoint: PickupPoint | null;
  window: { from: Instant; to: Instant } | null;
  /** When the goods may be picked: for an unpaid order the last instant of its hold, so that the promise holds whenever it is paid. */
  readyAt: Instant;
  timeZone: string;
}

export type RouteRefusal = 'noRoute' | 'pastCutoff';

/** Chilled and frozen goods need a leader with the cold certificate. */
export function canCarry(point: PickupPoint, zone: Zone): boolean {
  if (zone === 'special') return false;
  if (point.capacity[zone] <= 0) return false;
  return zone === 'ambient' || point.leader.certificate === 'cold';
}

/**
 * Every way from one site to the buyer for goods of one zone, or why there is none. Pickup orders go by leader
 * run, all others and special goods by a carrier that takes the zone. Special goods leave on the same day.
 */
export function planRoutes(site: Site, journey: Journey, carriers: Carrier[]): Route[] | RouteRefusal {
  if (!site.zones.includes(journey.zone)) return 'noRoute';
  const byLeader = journey.deliveryMethod === 'pickup' && journey.zone !== 'special';
  const able = byLeader
    ? []
    : carriers.filter((carrier) => carrier.zones.includes(journey.zone) && carrier.rates[journey.zone]);
  if (byLeader ? !journey.pickupPoint || !canCarry(journey.pickupPoint, journey.zone) : able.length === 0)
    return 'noRoute';
  const departure = nextDeparture(site, journey.readyAt, journey.timeZone);
  if (departure === null) return 'noRoute';
  if (journey.zone === 'special' && !leavesToday(departure, journey)) return 'pastCutoff';
  const routes = byLeader
    ? leaderRoutes(site, journey, departure)
    : able.map((carrier) => carrierRoute(site, journey, departure, carrier));
  if (routes.length === 0) return 'noRoute';
  const inWindow = routes.flatMap((route) => fitWindow(route, journey));
  return inWindow.length > 0 ? inWindow : 'pastCutoff';
}

function leavesToday(departure: Instant, journey: Journey): boolean {
  return localDateOf(departure, journey.timeZone) === localDateOf(journey.readyAt, journey.timeZone);
}

function carrierRoute(site: Site, journey: Journey, departure: Instant, carrier: Carrier): Route {
  const handOverOn = addDays(localDateOf(departure, journey.timeZone), carrier.transitDays);
  const to = journey.location ?? journey.pickupPoint?.location ?? null;
  return {
    siteId: site.siteId,
    via: { carrierId: carrier.carrierId },
    rate: carrier.rates[journey.zone] as Rate,
    km: to && distanceKm(site.location, to),
    shipBy: departure,
    deliverBy: endOfDay(handOverOn, journey.timeZone),
    handOverOn,
  };
}

function leaderRoutes(site: Site, journey: Journey, departure: Instant): Route[] {
  const point = journey.pickupPoint;
  if (!point) return [];
  const km = distanceKm(site.location, point.location);
  const earliest = addDays(localDateOf(departure, journey.timeZone), 1 + Math.floor(km / runKmPerDay));
  const handOverOn = nextHandOverDay(point, earliest);
  if (handOverOn === null) return [];
  return [
    {
      siteId: site.siteId,
      via: { leaderId: point.leader.leaderId, pickupPointId: point.pickupPointId },
      rate: leaderRunRate,
      km,
      shipBy: departure,
      deliverBy: instantOf(handOverOn, point.closes, journey.timeZone),
      handOverOn,
    },
  ];
}

/** A wanted window moves the hand-over to its day; a route that cannot be there by its end drops out. */
function fitWindow(route: Route, journey: Journey): Route[] {
  const window = journey.window;
  if (!window) return [route];
  const wantedOn = localDateOf(window.to - 1, journey.timeZone);
  if (route.handOverOn > wantedOn) return [];
  const point = 'pickupPointId' in route.via ? journey.pickupPoint : null;
  if (point?.closedOn.includes(wantedOn)) return [];
  if (route.handOverOn === wantedOn && route.shipBy > window.to) return [];
  return [{ ...route, handOverOn: wantedOn, deliverBy: window.to }];
}

/** Fen for carrying a weight along a route, rounded up to the fen. */
export function routeCostFen(route: Route, weightGrams: number): number {
  const { baseFen, perKgFen, perKmFen } = route.rate;
  return Math.ceil(baseFen + (perKgFen * weightGrams) / 1000 + perKmFen * (route.km ?? 0));
}

/** Cheapest first; among equals the nearest origin, then the earlier arrival, then the carrier's id. */
export function byCost(weightGrams: number): (a: Route, b: Route) => number {
  return (a, b) =>
    routeCostFen(a, weightGrams) - routeCostFen(b, weightGrams) ||
    (a.km ?? 0) - (b.km ?? 0) ||
    a.deliverBy - b.deliverBy ||
    compare(JSON.stringify(a.via), JSON.stringify(b.via));
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
