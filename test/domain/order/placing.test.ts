import fc from 'fast-check';
import { sumBySku } from '../../../src/domain/catalogue/explode';
import { shortenHold } from '../../../src/domain/catalogue/rules';
import { type LedgerState, openLedger } from '../../../src/domain/order/admissionLedger';
import { chooseGivingWay, mostOwnOrders, type UnpaidOrder } from '../../../src/domain/order/givingWay';
import type { Placing } from '../../../src/domain/order/placing';
import { type BatchCase, someBatch } from '../arbitrary';

jest.setTimeout(60_000);

const runs = { numRuns: 300 };
const rules = { paymentWindowSeconds: 1800, waitingSeconds: 3600 };

const placingsOf = ({ requests }: BatchCase, mayWait: boolean) =>
  requests.map((request) => ({
    ...request,
    holder: { channel: 'shop', buyerRef: request.purchase.buyerRef },
    paid: false,
    mayWait,
  }));

function placeAll(given: BatchCase, mayWait: boolean): Placing[] {
  const ledger = openLedger(given.state);
  return placingsOf(given, mayWait).map((placing) => ledger.place(placing, rules));
}

test('who waits does so instead of being refused for want of units, and never instead of being served', () => {
  let waited = 0;
  fc.assert(
    fc.property(someBatch, (given) => {
      const [first] = placeAll(given, false);
      const [patient] = placeAll(given, true);
      if (patient?.kind !== 'waiting') return expect(patient).toEqual(first);
      waited += 1;
      expect(['soldOut', 'quotaExhausted']).toContain(first?.kind);
      expect(patient.until).toBeLessThanOrEqual(given.state.now + 3_600_000);
      const asked = given.requests[0]?.lines ?? [];
      const spot = asked.flatMap((line) => (line.supply === 'spot' ? line.components : []));
      expect(
        sumBySku(
          patient.demand.flatMap(({ sku, units, campaignId }) =>
            campaignId === null ? [{ sku, quantity: units }] : [],
          ),
        ),
      ).toEqual(sumBySku(spot));
    }),
    runs,
  );
  expect(waited).toBeGreaterThan(10);
});

/** One SKU at one site, so many of it free: what is decided can be told by counting. */
function shelf(free: number): LedgerState {
  const sku = { sku: 'a', zone: 'ambient' as const, category: 'food', priceFen: 100, shelfLifeDays: 60 };
  const rest = { weightGrams: 1, volumeMillilitres: 1, safetyStock: 0, components: [] };
  const balance = { held: 0, committed: 0, quarantined: 0, expiresOn: '2027-01-01' };
  return {
    now: Date.parse('2026-11-24T02:00:00Z'),
    timeZone: 'Asia/Shanghai',
    skus: new Map([['a', { ...sku, ...rest, minimumLifeDays: 0, purchaseLimitUnits: null }]]),
    sites: [
      {
        siteId: 's',
        kind: 'central',
        location: { lat: 31, lng: 121 },
        zones: ['ambient'],
        cutoff: '23:59',
        departsAt: [],
        closedOn: [],
        safetyStock: 0,
      },
    ],
    carriers: [
      {
        carrierId: 'c',
        zones: ['ambient'],
        rates: { ambient: { baseFen: 1, perKgFen: 1, perKmFen: 1 } },
        transitDays: 1,
      },
    ],
    pickupPoints: new Map(),
    pointLoads: new Map(),
    lots: [{ sku: 'a', siteId: 's', lotId: 'l', onHand: free, ...balance }],
    campaigns: new Map(),
    bought: new Map(),
    waiting: new Map(),
    unpaid: new Map(),
  };
}

test('nobody is served with units that somebody ahead in line asks for', () => {
  const someAsks = fc.array(fc.record({ quantity: fc.integer({ min: 1, max: 6 }), mayWait: fc.boolean() }), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(fc.nat(20), someAsks, (units, asks) => {
      const ledger = openLedger(shelf(units));
      let free = units;
      let kept = 0;
      for (const [index, { quantity, mayWait }] of asks.entries()) {
        const { kind } = ledger.place(
          {
            lines: [
              {
                lineId: '1',
                sku: 'a',
                quantity,
                supply: 'spot',
                campaignId: null,
                components: [{ sku: 'a', quantity }],
              },
            ],
            destination: {
              deliveryMethod: 'express',
              location: null,
              communityId: null,
              region: null,
              pickupPointId: null,
              window: null,
            },
            purchase: { buyerRef: `b${index}`, liveSessionId: null },
            holder: { channel: 'shop', buyerRef: `b${index}` },
            paid: false,
            mayWait,
          },
          rules,
        );
        const served = quantity <= free - kept;
        expect(kind).toBe(served ? 'admitted' : mayWait ? 'waiting' : 'soldOut');
        if (served) free -= quantity;
        else if (mayWait) kept += quantity;
      }
    }),
  );
});

test('as few own orders give way as let the new one in, and none in vain', () => {
  const someOrders = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 6 }).map((units) =>
    units.map(
      (quantity, index): UnpaidOrder => ({
        orderId: `o${index}`,
        placedAt: index,
        placedOn: '2026-11-24',
        liveSessionId: null,
        pickupPointId: null,
        lines: [{ sku: 'a', quantity }],
        holds: [{ sku: 'a', siteId: 's', lotId: 'l', quantity }],
        quotaHolds: [],
        capacity: [],
      }),
    ),
  );
  fc.assert(
    fc.property(someOrders, fc.nat(6), fc.integer({ min: 1, max: 20 }), (unpaid, free, asked) => {
      const freed = (orders: UnpaidOrder[]) =>
        orders.flatMap(({ holds }) => holds).reduce((sum, { quantity }) => sum + quantity, free);
      const chosen = chooseGivingWay(unpaid, (without) =>
        freed(without) >= asked ? { kind: 'admitted' } : { kind: 'soldOut', shortfall: [] },
      );
      if (unpaid.length > mostOwnOrders) return expect(chosen).toBeNull();
      if (chosen === null) return expect(freed(unpaid)).toBeLessThan(asked);
      expect(freed(chosen.givesWay)).toBeGreaterThanOrEqual(asked);
      for (const order of chosen.givesWay)
        expect(freed(chosen.givesWay.filter((each) => each !== order))).toBeLessThan(asked);
    }),
  );
});

test('a scarce hold is never longer than the usual one, and as long where nothing is scarce', () => {
  const line = fc.record({
    rules: fc.record({
      scarceHoldMinutes: fc.option(fc.integer({ min: 1, max: 90 }), { nil: undefined }),
      scarceUnits: fc.option(fc.nat(10), { nil: undefined }),
    }),
    left: fc.integer({ min: -5, max: 15 }),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3_600_000 }), fc.array(line), (usualMs, lines) => {
      const held = shortenHold(usualMs, lines);
      const scarce = lines.filter(({ rules: own, left }) => left <= (own.scarceUnits ?? 0));
      expect(held).toBe(
        Math.min(usualMs, ...scarce.map(({ rules: own }) => (own.scarceHoldMinutes ?? Infinity) * 60_000)),
      );
    }),
  );
});
