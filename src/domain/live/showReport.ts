import type { Zone } from '../catalogue/model';
import type { OrderState } from '../order/model';
import { judgeShow, type ShowVerdict } from './showVerdict';
import { describeSoldOut, drawHotGoods, type HotGoods, type SoldOutGoods } from './soldOut';
import {
  type AttentionCount,
  type LateOutcome,
  type PlanningBucket,
  type PresaleCount,
  type PromiseOutcome,
  promiseOutcomes,
  type RefundCount,
  type ShowFacts,
  type TimeSpan,
  type UnkeptPromise,
  type WaitingListCount,
} from './showFacts';

/** The report of a live session. Every number follows from the facts; no part knows more than another. */
export interface ShowReport {
  liveSessionId: string;
  madeAt: string;
  timeZone: string;
  startedAt: string;
  /** Until when stock was counted: the end of the last order, or `madeAt` while one is open. */
  countedUntil: string;
  verdict: ShowVerdict;
  orders: OrderTotals;
  timeline: { from: string; bucketSeconds: number; placed: number[]; paid: number[] };
  /** Sellable units of the SKUs most asked for, at the end of each bucket. */
  hot: HotGoods[];
  soldOut: SoldOutGoods[];
  comebacks: Comebacks;
  waitingList: WaitingListCount;
  parcels: ParcelTotals;
  promises: PromiseTotals;
  latency: { spans: TimeSpan[]; paymentToPlan: PlanningBucket[] };
  attention: AttentionCount[];
  recount: Recount;
  money: { totalFen: number; paidFen: number; refundedFen: number; refunds: RefundCount[] };
  lateMoney: { outcome: LateOutcome; orders: number }[];
  presale: PresaleCount[];
}

export interface OrderTotals {
  placed: number;
  /** Ever paid, also late and also if refunded afterwards. */
  paid: number;
  byState: Partial<Record<OrderState, number>>;
  byChannel: { channel: string; placed: number; paid: number; paidFen: number }[];
  byDelivery: Record<string, number>;
  unitsTaken: number;
  unitsKept: number;
}

export interface Comebacks {
  expired: number;
  released: number;
  uncommitted: number;
  /** At least so many of them were sold to somebody else. */
  soldAgain: number;
  goods: {
    sku: string;
    name: string;
    expired: number;
    released: number;
    uncommitted: number;
    soldAgain: number;
  }[];
}

export interface ParcelTotals {
  shipments: number;
  parcels: number;
  costFen: number;
  byCarrier: number;
  byLeader: number;
  byZone: Record<Zone, number>;
  bySite: ({ siteId: string; name: string; parcels: number } & Record<Zone, number>)[];
  ordersInSeveral: number;
  /** Must be 0. */
  mixed: number;
}

export interface PromiseTotals extends Record<PromiseOutcome, number> {
  /** Of the promises that have come due; null while none has. */
  rate: number | null;
  /** By local hour of the promise; by day where there are many hours. */
  slots: ({ slot: string } & Record<PromiseOutcome, number>)[];
  /** The worst first, at most a hundred. */
  unkept: UnkeptPromise[];
}

export interface Recount {
  movements: number;
  lots: number;
  oversold: number;
  /** SKUs whose opening + arrivals − sold − waste is not what lies there; must be 0. */
  unbalanced: number;
  total: Tally;
  goods: ({ sku: string; name: string; difference: number } & Tally)[];
}

export interface Tally {
  opening: number;
  arrived: number;
  sold: number;
  soldHere: number;
  waste: number;
  closing: number;
}

const mostSlots = 36;
const noZones: Record<Zone, number> = { ambient: 0, chilled: 0, frozen: 0, special: 0 };

/** Adds a session's facts up to its report. Pure: the same facts make the same report. */
export function computeShowReport(facts: ShowFacts): ShowReport {
  const { window } = facts;
  const orders = totalOrders(facts);
  const promises = totalPromises(facts);
  const parcels = totalParcels(facts);
  const recount = totalStock(facts);
  return {
    liveSessionId: facts.liveSessionId,
    madeAt: facts.madeAt,
    timeZone: facts.timeZone,
    startedAt: window.startedAt,
    countedUntil: window.countedUntil,
    verdict: judgeShow({ orders, promises, parcels, recount }),
    orders,
    timeline: {
      from: window.from,
      bucketSeconds: window.bucketSeconds,
      placed: perBucket(facts, ({ placed }) => placed),
      paid: perBucket(facts, ({ paid }) => paid),
    },
    hot: drawHotGoods(facts),
    soldOut: describeSoldOut(facts),
    comebacks: totalComebacks(facts),
    waitingList: facts.waitingList,
    parcels,
    promises,
    latency: { spans: facts.spans, paymentToPlan: facts.planning },
    attention: facts.attention,
    recount,
    money: {
      totalFen: sum(facts.orders, ({ totalFen }) => totalFen),
      paidFen: sum(facts.orders, ({ paidFen }) => paidFen),
      refundedFen: sum(facts.orders, ({ refundedFen }) => refundedFen),
      refunds: facts.refunds,
    },
    lateMoney: facts.lateMoney,
    presale: facts.presale,
  };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return [...groups];
}

function perBucket(
  { window, timeline }: ShowFacts,
  of: (bucket: ShowFacts['timeline'][number]) => number,
): number[] {
  const counts = Array<number>(window.buckets).fill(0);
  for (const bucket of timeline) counts[bucket.bucket] = of(bucket);
  return counts;
}

function totalOrders({ orders, goods }: ShowFacts): OrderTotals {
  const count = (items: ShowFacts['orders']) => sum(items, (item) => item.orders);
  const paid = (items: ShowFacts['orders']) => sum(items, (item) => item.paidOrders);
  return {
    placed: count(orders),
    paid: paid(orders),
    byState: Object.fromEntries(groupBy(orders, ({ state }) => state).map(([key, of]) => [key, count(of)])),
    byChannel: groupBy(orders, ({ channel }) => channel)
      .map(([channel, of]) => ({
        channel,
        placed: count(of),
        paid: paid(of),
        paidFen: sum(of, ({ paidFen }) => paidFen),
      }))
      .sort((a, b) => b.placed - a.placed || (a.channel < b.channel ? -1 : 1)),
    byDelivery: Object.fromEntries(
      groupBy(orders, ({ deliveryMethod }) => deliveryMethod).map(([key, of]) => [key, count(of)]),
    ),
    unitsTaken: sum(goods, ({ taken }) => taken),
    unitsKept: sum(goods, ({ kept }) => kept),
  };
}

function totalComebacks({ goods }: ShowFacts): Comebacks {
  const back = goods
    .map(({ sku, name, expired, released, uncommitted, soldAgain }) => ({
      sku,
      name,
      expired,
      released,
      uncommitted,
      soldAgain,
    }))
    .filter((item) => unitsBack(item) > 0)
    .sort((a, b) => b.soldAgain - a.soldAgain || unitsBack(b) - unitsBack(a) || (a.sku < b.sku ? -1 : 1));
  return {
    expired: sum(back, ({ expired }) => expired),
    released: sum(back, ({ released }) => released),
    uncommitted: sum(back, ({ uncommitted }) => uncommitted),
    soldAgain: sum(back, ({ soldAgain }) => soldAgain),
    goods: back,
  };
}

/** Units that were taken and given back, for whatever reason. */
export function unitsBack(goods: { expired: number; released: number; uncommitted: number }): number {
  return goods.expired + goods.released + goods.uncommitted;
}

function totalParcels({ parcels, shipments }: ShowFacts): ParcelTotals {
  const byZone = (items: ShowFacts['parcels']) => {
    const zones = { ...noZones };
    for (const { zone, parcels: count } of items) zones[zone] += count;
    return zones;
  };
  const by = (who: 'carrier' | 'leader') =>
    sum(
      parcels.filter((item) => item.by === who),
      (item) => item.shipments,
    );
  return {
    shipments: sum(parcels, (item) => item.shipments),
    parcels: sum(parcels, (item) => item.parcels),
    costFen: sum(parcels, ({ costFen }) => costFen),
    byCarrier: by('carrier'),
    byLeader: by('leader'),
    byZone: byZone(parcels),
    bySite: groupBy(parcels, ({ siteId }) => siteId)
      .map(([siteId, of]) => ({
        siteId,
        name: of[0]?.siteName ?? siteId,
        parcels: sum(of, (item) => item.parcels),
        ...byZone(of),
      }))
      .sort((a, b) => b.parcels - a.parcels || (a.siteId < b.siteId ? -1 : 1)),
    ordersInSeveral: shipments.ordersInSeveral,
    mixed: shipments.mixedParcels,
  };
}

function totalPromises({ promises, unkept }: ShowFacts): PromiseTotals {
  const byOutcome = (items: ShowFacts['promises']) =>
    Object.fromEntries(
      promiseOutcomes.map((outcome) => [
        outcome,
        sum(
          items.filter((item) => item.outcome === outcome),
          ({ orders }) => orders,
        ),
      ]),
    ) as Record<PromiseOutcome, number>;
  const totals = byOutcome(promises);
  const come = totals.kept + totals.late + totals.overdue + totals.returned;
  const hours = new Set(promises.map(({ hour }) => hour)).size;
  const slotOf = (hour: string) => (hours > mostSlots ? hour.slice(0, 10) : `${hour}:00`);
  return {
    ...totals,
    rate: come === 0 ? null : totals.kept / come,
    slots: groupBy(promises, ({ hour }) => slotOf(hour))
      .map(([slot, of]) => ({ slot, ...byOutcome(of) }))
      .sort((a, b) => (a.slot < b.slot ? -1 : 1)),
    unkept,
  };
}

function totalStock({ stock, goods }: ShowFacts): Recount {
  const names = new Map(goods.map(({ sku, name }) => [sku, name]));
  const counted = stock
    .map(({ movements: _movements, lots: _lots, oversold: _oversold, ...tally }) => ({
      ...tally,
      name: names.get(tally.sku) ?? tally.sku,
      difference: differenceOf(tally),
    }))
    .sort(
      (a, b) =>
        Math.abs(b.difference) - Math.abs(a.difference) ||
        b.soldHere - a.soldHere ||
        b.sold - a.sold ||
        (a.sku < b.sku ? -1 : 1),
    );
  return {
    movements: sum(stock, ({ movements }) => movements),
    lots: sum(stock, ({ lots }) => lots),
    oversold: sum(stock, ({ oversold }) => oversold),
    unbalanced: counted.filter(({ difference }) => difference !== 0).length,
    total: {
      opening: sum(stock, ({ opening }) => opening),
      arrived: sum(stock, ({ arrived }) => arrived),
      sold: sum(stock, ({ sold }) => sold),
      soldHere: sum(stock, ({ soldHere }) => soldHere),
      waste: sum(stock, ({ waste }) => waste),
      closing: sum(stock, ({ closing }) => closing),
    },
    goods: counted,
  };
}

function differenceOf({ opening, arrived, sold, waste, closing }: Tally): number {
  return closing - (opening + arrived - sold - waste);
}
