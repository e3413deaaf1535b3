import { localDateOf } from '../network/calendar';
import type { Instant, LocalDate, PointZone } from '../network/model';
import { sumBySku } from '../catalogue/explode';
import type { SkuQuantity } from '../catalogue/model';
import type { AdmissionRefusal, AdmissionSku, AdmissionState } from './admission';

/** An order that its buyer has not paid, with all that it keeps from others, and from the same buyer. */
export interface UnpaidOrder {
  orderId: string;
  placedAt: Instant;
  placedOn: LocalDate;
  liveSessionId: string | null;
  pickupPointId: string | null;
  lines: SkuQuantity[];
  holds: { sku: string; siteId: string; lotId: string; quantity: number }[];
  quotaHolds: { campaignId: string; region: string; quantity: number }[];
  /** At its pickup point. */
  capacity: { zone: PointZone; millilitres: number }[];
}

/** What of the new order decides what an older one takes away from it. */
export interface Bystander {
  liveSessionId: string | null;
  pickupPointId: string | null;
}

export interface UnpaidLimitRefusal {
  kind: 'unpaidLimit';
  sku: string;
  limit: number;
  /** Units the buyer holds unpaid already. */
  unpaid: number;
  asked: number;
}

export interface UnpaidUnits {
  skus: Map<string, AdmissionSku>;
  /** Of each SKU, that the buyer holds already. */
  unpaid: Map<string, number>;
  /** Orders among them that would give way. */
  without: UnpaidOrder[];
}

/** Refuses an order with which its buyer would hold more units of a SKU unpaid than the rule allows. */
export function checkUnpaidLimits(
  lines: SkuQuantity[],
  { skus, unpaid, without }: UnpaidUnits,
): UnpaidLimitRefusal | null {
  const given = new Map(
    sumBySku(without.flatMap((order) => order.lines)).map((each) => [each.sku, each.quantity]),
  );
  for (const { sku, quantity } of sumBySku(lines)) {
    const limit = skus.get(sku)?.unpaidLimit;
    if (limit === undefined) continue;
    const already = Math.max(0, (unpaid.get(sku) ?? 0) - (given.get(sku) ?? 0));
    if (already + quantity > limit)
      return { kind: 'unpaidLimit', sku, limit, unpaid: already, asked: quantity };
  }
  return null;
}

/** The state as a new order of the same buyer would see it had these orders not been placed. */
export function withoutOrders(
  state: AdmissionState,
  { orders, seenBy }: { orders: UnpaidOrder[]; seenBy: Bystander },
): AdmissionState {
  const given = orders.flatMap((order) => order.holds);
  const today = localDateOf(state.now, state.timeZone);
  // a purchase limit counts within one live session, else within one day
  const ofLimit = orders.filter((order) =>
    seenBy.liveSessionId === null
      ? order.liveSessionId === null && order.placedOn === today
      : order.liveSessionId === seenBy.liveSessionId,
  );
  const pointLoad = { ...state.pointLoad };
  for (const order of orders) {
    if (order.pickupPointId !== seenBy.pickupPointId) continue;
    for (const { zone, millilitres } of order.capacity) pointLoad[zone] -= millilitres;
  }
  const bought = new Map(state.bought);
  for (const { sku, quantity } of ofLimit.flatMap((order) => order.lines))
    bought.set(sku, Math.max(0, (bought.get(sku) ?? 0) - quantity));
  return {
    ...state,
    pointLoad,
    bought,
    lots: state.lots.map((lot) => {
      const back = given.reduce(
        (sum, hold) =>
          hold.sku === lot.sku && hold.siteId === lot.siteId && hold.lotId === lot.lotId
            ? sum + hold.quantity
            : sum,
        0,
      );
      return back === 0 ? lot : { ...lot, held: lot.held - back };
    }),
    campaigns: new Map(
      [...state.campaigns].map(([id, campaign]) => [
        id,
        { ...campaign, quotas: campaign.quotas.map((quota) => giveQuotaBack(id, quota, orders)) },
      ]),
    ),
  };
}

function giveQuotaBack<Quota extends { region: string; held: number }>(
  campaignId: string,
  quota: Quota,
  orders: UnpaidOrder[],
): Quota {
  const back = orders
    .flatMap((order) => order.quotaHolds)
    .filter((hold) => hold.campaignId === campaignId && hold.region === quota.region)
    .reduce((sum, hold) => sum + hold.quantity, 0);
  return { ...quota, held: quota.held - back };
}

/**
 * Whether a refusal is one that an unpaid order of the same buyer may be the cause of, and gives way to. A purchase
 * limit is not: it counts what is open and what is paid together, and so do the litres of a pickup point.
 */
export function mayBeOwnDoing(refusal: { kind: string }): boolean {
  return refusal.kind === 'soldOut' || refusal.kind === 'quotaExhausted' || refusal.kind === 'unpaidLimit';
}

/** More orders than these, unpaid under one name, are no buyer's second thought but a shop's counter. */
export const mostOwnOrders = 3;

/**
 * Which of a buyer's own unpaid orders give way to a new one: the oldest first, as few as let it be admitted, and none
 * when it would be refused all the same, or when there are more of them than one buyer would have. `admit` plans the new order as if those orders were not there.
 */
export function chooseGivingWay<Plan extends { kind: 'admitted' }>(
  unpaid: UnpaidOrder[],
  admit: (without: UnpaidOrder[]) => Plan | AdmissionRefusal | UnpaidLimitRefusal,
): (Plan & { givesWay: UnpaidOrder[] }) | null {
  if (unpaid.length > mostOwnOrders) return null;
  const oldestFirst = [...unpaid].sort((a, b) => a.placedAt - b.placedAt || (a.orderId < b.orderId ? -1 : 1));
  let givesWay: UnpaidOrder[] = [];
  let admission = admit([]);
  for (const order of oldestFirst) {
    if (admission.kind === 'admitted' || !mayBeOwnDoing(admission)) break;
    givesWay = [...givesWay, order];
    admission = admit(givesWay);
  }
  // one that was given up in vain on the way stays: nobody loses a hold that was not in the way
  for (const order of givesWay) {
    const fewer = givesWay.filter((each) => each !== order);
    const without = admit(fewer);
    if (without.kind === 'admitted') [givesWay, admission] = [fewer, without];
  }
  return admission.kind === 'admitted' ? { ...admission, givesWay } : null;
}
