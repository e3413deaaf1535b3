import fc from 'fast-check';
import { zones } from '../../../src/domain/catalogue/model';
import { promiseOutcomes, type ShowFacts, spanKinds } from '../../../src/domain/live/showFacts';
import { attentionRules } from '../../../src/domain/order/attention';
import { orderStates } from '../../../src/domain/order/model';

const few = fc.nat({ max: 500 });
const startMs = Date.UTC(2026, 10, 25, 12);
const at = (seconds: number) => new Date(startMs + seconds * 1000).toISOString();
const instant = fc.nat({ max: 7_000 }).map(at);
const skuNames = [
  'berries',
  'milk',
  '<b>&"fish\'',
  '车厘子 JJ',
  'ice',
  'crab',
  'rice',
  'tea',
  'salmon',
  'plum',
];
const sku = fc.constantFrom(...skuNames);

const goods = fc.record({
  name: fc.constantFrom('丹东草莓 500 g', 'Milk <1 l> & "more"', '三文鱼', 'Rice'),
  zone: fc.constantFrom(...zones),
  expired: few,
  released: few,
  uncommitted: few,
  soldAgain: few,
  kept: few,
  open: few,
});

const counted = fc.record({
  opening: few,
  arrived: few,
  sold: few,
  soldHere: few,
  waste: fc.integer({ min: -50, max: 50 }),
  slip: fc.constantFrom(0, 0, 0, 2),
  movements: few,
  lots: few,
  oversold: fc.constantFrom(0, 0, 0, 1),
});

const eachSku = <T>(value: fc.Arbitrary<T>) =>
  fc
    .uniqueArray(fc.tuple(sku, value), { selector: ([name]) => name, maxLength: 10 })
    .map((pairs) => pairs.map(([name, rest]) => ({ sku: name, ...rest })));

/** Facts of any session that the database could have: sums that must agree do, the rest is drawn. */
export const arbitraryShow: fc.Arbitrary<ShowFacts> = fc
  .record({
    buckets: fc.integer({ min: 1, max: 120 }),
    orders: fc.uniqueArray(
      fc.record({
        state: fc.constantFrom(...orderStates),
        channel: fc.constantFrom('mini', '快团团', '<script>alert(1)</script>'),
        deliveryMethod: fc.constantFrom('express', 'pickup', 'local'),
        orders: few,
        paidOrders: few,
        totalFen: few,
        paidFen: few,
        refundedFen: few,
      }),
      { selector: (row) => `${row.state} ${row.channel} ${row.deliveryMethod}`, maxLength: 12 },
    ),
    timeline: fc.uniqueArray(fc.record({ bucket: fc.nat({ max: 119 }), placed: few, paid: few }), {
      selector: ({ bucket }) => bucket,
      maxLength: 60,
    }),
    goods: eachSku(goods),
    stock: eachSku(counted),
    turns: eachSku(
      fc.record({ flips: fc.uniqueArray(fc.nat({ max: 7_000 }), { maxLength: 5 }), sold: fc.boolean() }),
    ),
    hot: fc.uniqueArray(fc.record({ sku, bucket: fc.integer({ min: -1, max: 119 }), sellable: few }), {
      selector: (point) => `${point.sku} ${point.bucket}`,
      maxLength: 80,
    }),
    parcels: fc.uniqueArray(
      fc.record({
        siteId: fc.constantFrom('central', 'forward', 'store'),
        siteName: fc.constantFrom('上海总仓', 'Forward <1>'),
        zone: fc.constantFrom(...zones),
        by: fc.constantFrom('carrier' as const, 'leader' as const),
        shipments: few,
        parcels: few,
        costFen: few,
      }),
      { selector: (row) => `${row.siteId} ${row.zone} ${row.by}`, maxLength: 12 },
    ),
    shipments: fc.record({ ordersInSeveral: few, mixedParcels: fc.constantFrom(0, 0, 0, 3) }),
    promises: fc.uniqueArray(
      fc.record({
        hour: fc
          .tuple(fc.integer({ min: 25, max: 29 }), fc.nat({ max: 23 }))
          .map(([day, hour]) => `2026-11-${day} ${String(hour).padStart(2, '0')}`),
        outcome: fc.constantFrom(...promiseOutcomes),
        orders: few,
      }),
      { selector: (row) => `${row.hour} ${row.outcome}`, maxLength: 90 },
    ),
    unkept: fc.array(
      fc.record({
        orderId: fc.constantFrom('o1', 'o2'),
        channel: fc.constant('mini'),
        externalId: fc.constant('<i>6917204183957384921</i>'),
        outcome: fc.constantFrom('late' as const, 'overdue' as const, 'returned' as const),
        deliverBy: instant,
        deliveredAt: fc.option(instant),
        sites: fc.array(fc.constantFrom('central', 'forward'), { maxLength: 2 }),
        via: fc.array(fc.constantFrom('swift', 'leader-1'), { maxLength: 2 }),
      }),
      { maxLength: 5 },
    ),
    spans: fc.uniqueArray(
      fc.record({
        kind: fc.constantFrom(...spanKinds),
        count: few,
        p50: few,
        p90: few,
        p99: few,
        longest: few,
      }),
      { selector: ({ kind }) => kind },
    ),
    planning: fc.uniqueArray(fc.record({ bucket: fc.nat({ max: 119 }), p50: few, p99: few }), {
      selector: ({ bucket }) => bucket,
      maxLength: 60,
    }),
    attention: fc.uniqueArray(
      fc.record({
        reason: fc.constantFrom(...Object.keys(attentionRules)),
        open: few,
        pastDeadline: few,
        cleared: few,
        decided: few,
        p50Minutes: fc.option(fc.nat({ max: 9_000 })),
        longestMinutes: fc.option(fc.nat({ max: 9_000 })),
      }),
      { selector: ({ reason }) => reason },
    ),
    refunds: fc.uniqueArray(
      fc.record({
        reason: fc.constantFrom('cancelled', 'late', 'surplus'),
        refunds: few,
        confirmed: few,
        amountFen: few,
        confirmedFen: few,
      }),
      { selector: ({ reason }) => reason },
    ),
    lateMoney: fc.uniqueArray(
      fc.record({
        outcome: fc.constantFrom('reheld' as const, 'repromised' as const, 'refunded' as const),
        orders: few,
      }),
      { selector: ({ outcome }) => outcome },
    ),
    waitingList: fc
      .record({
        served: few,
        paid: few,
        left: few,
        timedOut: few,
        unservable: few,
        inLine: few,
        p50: few,
        p95: few,
      })
      .map(({ p50, p95, paid, ...ends }) => ({
        ...ends,
        waited: ends.served + ends.left + ends.timedOut + ends.unservable + ends.inLine,
        paid: Math.min(paid, ends.served),
        servedAfter: ends.served === 0 ? null : { p50, p95: p50 + p95, longest: p50 + p95 },
      })),
    presale: fc.array(
      fc.record({
        campaignId: fc.constant('spring'),
        sku,
        name: fc.constant('春茶'),
        region: fc.constantFrom('华东', 'north'),
        held: few,
        paid: few,
        gone: few,
      }),
      { maxLength: 3 },
    ),
  })
  .map(({ buckets, goods: drawnGoods, stock, turns, ...facts }) => ({
    ...facts,
    liveSessionId: 'show-1',
    madeAt: at(9_000),
    timeZone: 'Asia/Shanghai',
    window: {
      startedAt: at(0),
      from: at(0),
      salesEnd: at(buckets * 60),
      countedUntil: at(8_000),
      bucketSeconds: 60,
      buckets,
    },
    timeline: facts.timeline.filter(({ bucket }) => bucket < buckets),
    hot: facts.hot.filter(({ bucket }) => bucket < buckets),
    planning: facts.planning.filter(({ bucket }) => bucket < buckets),
    goods: drawnGoods.map(({ open, soldAgain, ...item }) => {
      const back = item.expired + item.released + item.uncommitted;
      return { ...item, taken: back + item.kept + open, soldAgain: Math.min(soldAgain, back) };
    }),
    stock: stock.map(({ slip, ...item }) => ({
      ...item,
      closing: item.opening + item.arrived - item.sold - item.waste + slip,
    })),
    turns: turns.flatMap(({ sku: name, flips, sold }) =>
      flips
        .sort((a, b) => a - b)
        .map((seconds, index) => ({
          sku: name,
          at: at(seconds),
          sellable: (index % 2 === 0) === sold ? 0 : 1 + index,
        })),
    ),
  }));
