import fc from 'fast-check';
import { zones } from '../../../src/domain/catalogue/model';
import { describeEmptyShow } from '../../../src/domain/live/emptyShow';
import { promiseOutcomes, type ShowFacts } from '../../../src/domain/live/showFacts';
import { computeShowReport, unitsBack } from '../../../src/domain/live/showReport';
import { judgeShop } from '../../../src/domain/live/showVerdict';
import { chooseBucketSeconds, planBuckets } from '../../../src/domain/live/showWindow';
import { chooseHotSkus } from '../../../src/domain/live/soldOut';
import { arbitraryShow } from './arbitraryShow';

const empty = describeEmptyShow({ liveSessionId: 'show-1', madeAt: '2026-11-25T12:00:00.000Z' });
const sum = <T>(items: readonly T[], of: (item: T) => number) =>
  items.reduce((total, item) => total + of(item), 0);

function reportOf(facts: Partial<ShowFacts>) {
  return computeShowReport({ ...empty, ...facts });
}

describe('the report of any session', () => {
  test('adds up, part by part', () => {
    fc.assert(
      fc.property(arbitraryShow, (facts) => {
        const report = computeShowReport(facts);
        const { orders, parcels, promises, recount, comebacks } = report;
        expect(sum(Object.values(orders.byState), (count) => count)).toBe(orders.placed);
        expect(sum(orders.byChannel, ({ placed }) => placed)).toBe(orders.placed);
        expect(sum(orders.byChannel, ({ paid }) => paid)).toBe(orders.paid);
        expect(sum(Object.values(orders.byDelivery), (count) => count)).toBe(orders.placed);
        expect(sum(report.timeline.placed, (count) => count)).toBe(
          sum(facts.timeline, ({ placed }) => placed),
        );
        expect(sum(report.timeline.paid, (count) => count)).toBe(sum(facts.timeline, ({ paid }) => paid));
        expect(sum(zones, (zone) => parcels.byZone[zone])).toBe(parcels.parcels);
        expect(sum(parcels.bySite, (site) => site.parcels)).toBe(parcels.parcels);
        for (const site of parcels.bySite) expect(sum(zones, (zone) => site[zone])).toBe(site.parcels);
        expect(parcels.byCarrier + parcels.byLeader).toBe(parcels.shipments);
        for (const outcome of promiseOutcomes)
          expect(sum(promises.slots, (slot) => slot[outcome])).toBe(promises[outcome]);
        expect(unitsBack(comebacks)).toBe(sum(comebacks.goods, unitsBack));
        expect(comebacks.soldAgain).toBeLessThanOrEqual(unitsBack(comebacks));
        expect(unitsBack(comebacks) + orders.unitsKept).toBeLessThanOrEqual(orders.unitsTaken);
        for (const part of ['opening', 'arrived', 'sold', 'soldHere', 'waste', 'closing'] as const)
          expect(sum(recount.goods, (item) => item[part])).toBe(recount.total[part]);
      }),
    );
  });

  test('calls broken whatever is not as it must be, and only that', () => {
    fc.assert(
      fc.property(arbitraryShow, (facts) => {
        const { verdict, recount } = computeShowReport(facts);
        const broken = Object.fromEntries(verdict.broken.map(({ kind, count }) => [kind, count]));
        expect(broken.oversold ?? 0).toBe(sum(facts.stock, ({ oversold }) => oversold));
        expect(broken.mixedParcels ?? 0).toBe(facts.shipments.mixedParcels);
        const slipped = facts.stock.filter(
          (item) => item.closing !== item.opening + item.arrived - item.sold - item.waste,
        );
        expect(broken.unbalanced ?? 0).toBe(slipped.length);
        // what does not add up stands first
        expect(
          recount.goods
            .slice(0, slipped.length)
            .map(({ sku }) => sku)
            .sort(),
        ).toEqual(slipped.map(({ sku }) => sku).sort());
      }),
    );
  });

  test('draws at most eight curves, each as long as the sales, none below zero', () => {
    fc.assert(
      fc.property(arbitraryShow, (facts) => {
        const { hot } = computeShowReport(facts);
        expect(hot.length).toBeLessThanOrEqual(8);
        for (const { sellable } of hot) {
          expect(sellable.length).toBe(facts.window.buckets);
          expect(Math.min(...sellable)).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test('is the same for the same facts', () => {
    fc.assert(
      fc.property(arbitraryShow, (facts) => {
        expect(computeShowReport(structuredClone(facts))).toEqual(computeShowReport(facts));
      }),
    );
  });
});

test('a session without orders is empty, not broken', () => {
  const report = reportOf({});
  expect(report.verdict).toEqual({ broken: [], unkept: 0, open: 0 });
  expect(report.promises.rate).toBeNull();
});

test('orders under way are open; promises are kept, late, overdue, brought back or still to come', () => {
  const order = {
    channel: 'mini',
    deliveryMethod: 'express',
    paidOrders: 1,
    totalFen: 1,
    paidFen: 1,
    refundedFen: 0,
  };
  const promise = { hour: '2026-11-26 21' };
  const report = reportOf({
    orders: [
      { ...order, state: 'fulfilling', orders: 2 },
      { ...order, state: 'awaitingPayment', orders: 1 },
      { ...order, state: 'delivered', orders: 7 },
      { ...order, state: 'cancelled', orders: 4 },
    ],
    promises: [
      { ...promise, outcome: 'kept', orders: 5 },
      { ...promise, outcome: 'late', orders: 1 },
      { ...promise, outcome: 'returned', orders: 1 },
      { ...promise, outcome: 'overdue', orders: 1 },
      { ...promise, outcome: 'due', orders: 1 },
    ],
  });
  expect(report.verdict).toEqual({ broken: [], unkept: 3, open: 3 });
  expect(report.promises.rate).toBe(5 / 8);
  expect(report.promises.slots).toEqual([
    { slot: '2026-11-26 21:00', kept: 5, late: 1, overdue: 1, due: 1, returned: 1 },
  ]);
});

test('many promised hours are drawn by day', () => {
  const promises = Array.from({ length: 48 }, (_, hour) => ({
    hour: `2026-11-${25 + Math.floor(hour / 24)} ${String(hour % 24).padStart(2, '0')}`,
    outcome: 'kept' as const,
    orders: 1,
  }));
  expect(reportOf({ promises }).promises.slots.map(({ slot, kept }) => [slot, kept])).toEqual([
    ['2026-11-25', 24],
    ['2026-11-26', 24],
  ]);
});

const berries = {
  sku: 'berries',
  name: '草莓',
  zone: 'chilled' as const,
  taken: 10,
  expired: 0,
  released: 0,
  uncommitted: 0,
  kept: 10,
  soldAgain: 0,
};
const window = {
  startedAt: '2026-11-25T12:00:00.000Z',
  from: '2026-11-25T12:00:00.000Z',
  salesEnd: '2026-11-25T12:01:40.000Z',
  countedUntil: '2026-11-25T13:00:00.000Z',
  bucketSeconds: 10,
  buckets: 10,
};

test('a gap without goods lasts until they are back, the last one until the end of the sales', () => {
  const turn = (second: number, sellable: number) => ({
    sku: 'berries',
    at: new Date(Date.parse(window.from) + second * 1000).toISOString(),
    sellable,
  });
  const [soldOut] = reportOf({
    window,
    goods: [berries],
    turns: [turn(20, 0), turn(50, 3), turn(70, 0)],
  }).soldOut;
  expect(soldOut?.gaps.map(({ until }) => until)).toEqual(['2026-11-25T12:00:50.000Z', null]);
  expect(soldOut?.seconds).toBe(60);
});

test('between two changes a curve stands where it was; before the first it is what lay there', () => {
  const [hot] = reportOf({
    window,
    goods: [berries],
    hot: [
      { sku: 'berries', bucket: -1, sellable: 10 },
      { sku: 'berries', bucket: 2, sellable: 4 },
      { sku: 'berries', bucket: 5, sellable: 0 },
    ],
  }).hot;
  expect(hot?.before).toBe(10);
  expect(hot?.sellable).toEqual([10, 10, 4, 4, 4, 0, 0, 0, 0, 0]);
});

test('hot is what sold out, then what most people took; never what nobody of the session took', () => {
  const goods = [
    { ...berries, sku: 'many', taken: 90 },
    { ...berries, sku: 'gone', taken: 5 },
    { ...berries, sku: 'none', taken: 0 },
  ];
  const turns = [
    { sku: 'gone', at: window.from, sellable: 0 },
    { sku: 'none', at: window.from, sellable: 0 },
  ];
  expect(chooseHotSkus(goods, turns)).toEqual(['gone', 'many']);
});

test('buckets are as fine as 120 of them allow, and hold the first and the last instant', () => {
  expect([1, 60, 119, 120, 3_600, 7_200, 86_400, 400 * 86_400].map(chooseBucketSeconds)).toEqual([
    1, 1, 1, 2, 60, 120, 900, 345_600,
  ]);
  fc.assert(
    fc.property(fc.nat(), fc.nat({ max: 10 ** 9 }), (firstMs, spanMs) => {
      const { fromMs, bucketSeconds, buckets } = planBuckets({ firstMs, lastMs: firstMs + spanMs });
      expect(fromMs).toBeLessThanOrEqual(firstMs);
      expect(fromMs + buckets * bucketSeconds * 1000).toBeGreaterThan(firstMs + spanMs);
      expect(buckets).toBeLessThanOrEqual(120);
    }),
  );
});

test('what only the shop can tell is broken too', () => {
  const sound = {
    offered: 1,
    accepted: 1,
    refusedSoldOut: 0,
    otherRefusals: {},
    unanswered: 0,
    boughtWithoutSoldOutGoods: 0,
    repeats: { sent: 0, same: 0, different: 0 },
    paymentsToldTwice: 0,
    lostOrders: 0,
    unbackedUnits: 0,
    moneyUnaccountedFen: 0,
    intake: { p50Ms: 1, p99Ms: 1, longestMs: 1, peakPerSecond: 1, resent: 0 },
    intakePerSecond: [],
    faults: {},
  };
  expect(judgeShop(sound)).toEqual([]);
  expect(
    judgeShop({
      ...sound,
      lostOrders: 1,
      unbackedUnits: 2,
      moneyUnaccountedFen: 3,
      repeats: { sent: 4, same: 0, different: 4 },
    }),
  ).toEqual([
    { kind: 'lostOrders', count: 1 },
    { kind: 'unbackedUnits', count: 2 },
    { kind: 'moneyUnaccounted', count: 3 },
    { kind: 'repeatsDiffer', count: 4 },
  ]);
});
