import type { Zone } from '../catalogue/model';
import { freeUnits } from '../inventory/availability';
import type { LotBalance } from '../inventory/model';
import { endOfDay } from '../network/calendar';
import type { Carrier, Instant, LocalDate, PickupPoint, PointZone, Site } from '../network/model';
import { type Admitted, type AdmissionSku, type AdmissionState, planAdmission } from '../order/admission';
import type { Destination, PlannedHold, PlannedLine } from '../order/model';

/** A paid presale line that no goods stand behind yet. */
export interface WaitingLine extends PlannedLine {
  orderId: string;
  /** The day the buyer was promised. */
  promisedOn: LocalDate;
  /** Microseconds since the epoch, as exact as the database keeps it: when the buyer paid, as the provider tells. */
  paidAtMicros: number;
  position: number;
  destination: Destination;
}

/** What a campaign's goods are handed out from, read under the stock locks. */
export interface ConversionState {
  now: Instant;
  timeZone: string;
  skus: Map<string, AdmissionSku>;
  sites: Site[];
  carriers: Carrier[];
  points: Map<string, PickupPoint>;
  /** Millilitres taken at each pickup point. */
  pointLoads: Map<string, Record<PointZone, number>>;
  /** The campaign's reserve as lots of which nothing is held: `onHand` are the units reserved. */
  reserve: LotBalance[];
}

export interface Converted {
  line: WaitingLine;
  holds: PlannedHold[];
  capacity: Admitted['capacity'];
}

/**
 * short: not enough reserved units with enough life on the day they could be there · noRoute: the goods are there
 * and nobody may carry them to this buyer, or the pickup point is full.
 */
export type Unserved =
  | { kind: 'short'; line: WaitingLine }
  | { kind: 'noRoute'; line: WaitingLine; zone: Zone };

export interface Conversion {
  converted: Converted[];
  unserved: Unserved[];
}

const emptyLoad: Record<PointZone, number> = { ambient: 0, chilled: 0, frozen: 0 };

/**
 * Hands a campaign's reserve out to the lines that wait for it, by promised day, then payment, then order id. A line
 * is served whole or not at all, at least cost among the ways that keep its promise, else by any way; one that cannot
 * be served does not stand in the way of those behind it. Safety stock does not bind: these goods never were for
 * sale. Pure; the order of the lines given does not matter. Keeps I3 (never more than is reserved), I14 and I15.
 */
export function planConversion(lines: WaitingLine[], state: ConversionState): Conversion {
  const left = {
    ...state,
    reserve: state.reserve.map((lot) => ({ ...lot })),
    pointLoads: new Map(state.pointLoads),
  };
  const plan: Conversion = { converted: [], unserved: [] };
  for (const line of [...lines].sort(byPromise)) {
    const served = serve(line, left);
    if (served.kind !== 'admitted') {
      plan.unserved.push(served);
      continue;
    }
    plan.converted.push({ line, holds: served.holds, capacity: served.capacity });
    takeFrom(left, line, served);
  }
  return plan;
}

/** The order in which buyers are served; the database's own order of the same columns must be equal. */
export function byPromise(a: WaitingLine, b: WaitingLine): number {
  return (
    compare(a.promisedOn, b.promisedOn) ||
    a.paidAtMicros - b.paidAtMicros ||
    compare(a.orderId, b.orderId) ||
    a.position - b.position
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function serve(line: WaitingLine, state: ConversionState): Admitted | Unserved {
  if (line.components.some((part) => reservedUnits(part.sku, state) < part.quantity))
    return { kind: 'short', line };
  const { destination } = line;
  const admission: AdmissionState = {
    ...state,
    // reserved goods are above every safety line: they were never free
    skus: new Map(
      [...state.skus].map(([id, sku]) => [id, { ...sku, safetyStock: 0, purchaseLimitUnits: null }]),
    ),
    sites: state.sites.map((site) => ({ ...site, safetyStock: 0 })),
    lots: state.reserve,
    pickupPoint: state.points.get(destination.pickupPointId ?? '') ?? null,
    pointLoad: state.pointLoads.get(destination.pickupPointId ?? '') ?? emptyLoad,
    campaigns: new Map(),
    bought: new Map(),
  };
  const request = { lines: [{ ...line, supply: 'spot' as const }], destination, payableUntil: state.now };
  const arriveBy = endOfDay(line.promisedOn, state.timeZone);
  const inTime = planAdmission({ ...request, arriveBy }, admission);
  const served = inTime.kind === 'admitted' ? inTime : planAdmission(request, admission);
  switch (served.kind) {
    case 'admitted':
      return served;
    case 'noRoute':
    case 'pastCutoff':
      return { kind: 'noRoute', line, zone: served.zone };
    case 'soldOut':
    case 'quotaExhausted':
    case 'purchaseLimit':
    case 'unknownRegion':
      return { kind: 'short', line };
  }
}

function reservedUnits(sku: string, { reserve }: ConversionState): number {
  return reserve.reduce((sum, lot) => sum + (lot.sku === sku ? freeUnits(lot) : 0), 0);
}

function takeFrom(state: ConversionState, line: WaitingLine, { holds, capacity }: Admitted): void {
  for (const { sku, siteId, lotId, quantity } of holds) {
    const lot = state.reserve.find(
      (each) => each.sku === sku && each.siteId === siteId && each.lotId === lotId,
    );
    if (lot) lot.onHand -= quantity;
  }
  const point = line.destination.pickupPointId;
  if (point === null || capacity.length === 0) return;
  const load = { ...(state.pointLoads.get(point) ?? emptyLoad) };
  for (const { zone, millilitres } of capacity) load[zone] += millilitres;
  state.pointLoads.set(point, load);
}
