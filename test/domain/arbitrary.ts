import fc from 'fast-check';
import type { Zone } from '../../src/domain/catalogue/model';
import { zones } from '../../src/domain/catalogue/model';
import type { Origin } from '../../src/domain/fulfilment/allocate';
import type { LotBalance } from '../../src/domain/inventory/model';
import { addDays, localDateOf } from '../../src/domain/network/calendar';
import type { Carrier, PickupPoint, Site } from '../../src/domain/network/model';
import type { AdmissionRequest, AdmissionSku, AdmissionState } from '../../src/domain/order/admission';
import { type LedgerRequest, type LedgerState, purchaseKey } from '../../src/domain/order/admissionLedger';
import type { PlannedLine } from '../../src/domain/order/model';
import type { Campaign } from '../../src/domain/presale/model';

/** Small worlds: few SKUs, sites and lots, so that scarcity, ties and mixtures happen often. */

export const timeZones = [
  'Asia/Shanghai',
  'America/New_York',
  'Europe/Berlin',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Africa/Cairo',
  'America/Santiago',
  'UTC',
];

export const someDay = fc.integer({ min: 0, max: 1500 }).map((days) => addDays('2025-01-01', days));
export const someInstant = fc.integer({
  min: Date.parse('2025-01-01T00:00:00Z'),
  max: Date.parse('2029-01-01T00:00:00Z'),
});
export const someTime = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
  .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`);

/** A balance row that the database would accept. */
export function someLot(fixed: Partial<LotBalance> = {}): fc.Arbitrary<LotBalance> {
  const units = fc.integer({ min: 0, max: 12 });
  return fc
    .record({
      free: units,
      held: units,
      committed: units,
      quarantined: units,
      days: fc.integer({ min: -2, max: 30 }),
    })
    .map(({ free, held, committed, quarantined, days }) => ({
      sku: 'a',
      siteId: 's1',
      lotId: 'l1',
      expiresOn: addDays('2026-11-24', days),
      onHand: free + held + committed + quarantined,
      held,
      committed,
      quarantined,
      ...fixed,
    }));
}

const now = Date.parse('2026-11-24T02:00:00Z');
const timeZone = 'Asia/Shanghai';
const skuIds = ['a', 'b', 'c', 'd'];
const siteIds = ['s1', 's2', 's3', 's4'];

const someZone = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Zone>('ambient') },
  { weight: 1, arbitrary: fc.constantFrom<Zone>(...zones) },
);
const someZones = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Zone[]>([...zones]) },
  { weight: 1, arbitrary: fc.subarray<Zone>([...zones], { minLength: 1 }) },
);

function someSku(sku: string): fc.Arbitrary<AdmissionSku> {
  return fc
    .record({
      zone: someZone,
      safetyStock: fc.integer({ min: 0, max: 6 }),
      weightGrams: fc.integer({ min: 1, max: 3000 }),
      volumeMillilitres: fc.integer({ min: 1, max: 3000 }),
      minimumLifeDays: fc.integer({ min: 0, max: 6 }),
      purchaseLimitUnits: fc.option(fc.integer({ min: 1, max: 8 }), { nil: null, freq: 2 }),
    })
    .map((rest) => ({ sku, category: 'food', priceFen: 100, shelfLifeDays: 60, components: [], ...rest }));
}

function someSite(siteId: string): fc.Arbitrary<Site> {
  return fc
    .record({
      zones: someZones,
      safetyStock: fc.integer({ min: 0, max: 3 }),
      lat: fc.integer({ min: 300, max: 320 }),
      cutoff: someTime,
      departsAt: fc.array(someTime, { maxLength: 2 }),
      closedOn: fc.subarray(['2026-11-24', '2026-11-25']),
    })
    .map(({ lat, ...rest }) => ({
      siteId,
      kind: 'central' as const,
      location: { lat: lat / 10, lng: 121 },
      ...rest,
    }));
}

function someCarrier(carrierId: string): fc.Arbitrary<Carrier> {
  const rate = fc.record({
    baseFen: fc.integer({ min: 0, max: 1500 }),
    perKgFen: fc.integer({ min: 0, max: 300 }),
    perKmFen: fc.integer({ min: 0, max: 3 }),
  });
  return fc
    .record({ zones: someZones, rate, transitDays: fc.integer({ min: 0, max: 3 }) })
    .map(({ zones: able, rate: one, transitDays }) => ({
      carrierId,
      zones: able,
      rates: Object.fromEntries(able.map((zone) => [zone, one])),
      transitDays,
    }));
}

const somePoint: fc.Arbitrary<PickupPoint> = fc
  .record({
    certificate: fc.constantFrom<'basic' | 'cold'>('basic', 'cold'),
    millilitres: fc.integer({ min: 0, max: 80_000 }),
    closedOn: fc.subarray(['2026-11-25', '2026-11-26']),
  })
  .map(({ certificate, millilitres, closedOn }) => ({
    pickupPointId: 'p1',
    leader: { leaderId: 'l1', certificate },
    location: { lat: 31, lng: 121 },
    capacity: { ambient: millilitres, chilled: millilitres, frozen: millilitres },
    opens: '08:00',
    closes: '21:00',
    closedOn,
  }));

const someLots = fc
  .tuple(
    ...skuIds.flatMap((sku) =>
      siteIds.map((siteId) =>
        fc.tuple(someLot({ sku, siteId, lotId: 'l1' }), someLot({ sku, siteId, lotId: 'l2' }), fc.nat(3)),
      ),
    ),
  )
  .map((pairs) =>
    pairs.flatMap(([first, second, keep]) => [first, second].filter((_, index) => keep > index)),
  );

const someLine = fc.record({
  parts: fc.array(fc.record({ sku: fc.constantFrom(...skuIds), quantity: fc.integer({ min: 1, max: 3 }) }), {
    minLength: 1,
    maxLength: 2,
  }),
  quantity: fc.integer({ min: 1, max: 3 }),
});

const someLines: fc.Arbitrary<PlannedLine[]> = fc
  .array(someLine, { minLength: 1, maxLength: 3 })
  .map((lines) =>
    lines.map(({ parts, quantity }, index) => ({
      lineId: String(index + 1),
      sku: parts.length === 1 ? (parts[0]?.sku ?? '') : 'box',
      quantity,
      supply: 'spot' as const,
      campaignId: null,
      components: parts.map((part) => ({ sku: part.sku, quantity: part.quantity * quantity })),
    })),
  );

export interface AdmissionCase {
  request: AdmissionRequest;
  state: AdmissionState;
}

export const someAdmission: fc.Arbitrary<AdmissionCase> = fc
  .record({
    skus: fc.tuple(...skuIds.map(someSku)),
    sites: fc.tuple(...siteIds.map(someSite)).chain((sites) => fc.subarray(sites, { minLength: 1 })),
    carriers: fc.tuple(someCarrier('c1'), someCarrier('c2')),
    point: somePoint,
    lots: someLots,
    lines: someLines,
    pickup: fc.boolean(),
    located: fc.boolean(),
    load: fc.integer({ min: 0, max: 20_000 }),
  })
  .map((given) => {
    const box: AdmissionSku = { ...given.skus[0], sku: 'box', purchaseLimitUnits: null } as AdmissionSku;
    return {
      request: {
        lines: given.lines,
        destination: {
          deliveryMethod: given.pickup ? ('pickup' as const) : ('express' as const),
          location: given.located ? { lat: 31.1, lng: 121 } : null,
          communityId: null,
          region: 'east',
          pickupPointId: given.pickup ? 'p1' : null,
          window: null,
        },
        payableUntil: now + 1_800_000,
      },
      state: {
        now,
        timeZone,
        skus: new Map([...given.skus, box].map((sku) => [sku.sku, sku])),
        sites: given.sites,
        carriers: given.carriers,
        pickupPoint: given.pickup ? given.point : null,
        pointLoad: { ambient: given.load, chilled: 0, frozen: given.load },
        lots: given.lots,
        campaigns: new Map(),
        bought: new Map(),
      },
    };
  });

/** What several buyers ask for, one after the other, of one world: spot and presale, at doors and at one point. */
export interface BatchCase {
  state: LedgerState;
  requests: LedgerRequest[];
}

const someAsk = fc.record({
  lines: someLines,
  presale: fc.boolean(),
  pickup: fc.boolean(),
  buyerRef: fc.constantFrom('b1', 'b2', 'b3'),
  liveSessionId: fc.constantFrom(null, 'show'),
});

export const someBatch: fc.Arbitrary<BatchCase> = fc
  .record({
    world: someAdmission,
    point: somePoint,
    quota: fc.integer({ min: 0, max: 8 }),
    bought: fc.integer({ min: 0, max: 3 }),
    asks: fc.array(someAsk, { minLength: 1, maxLength: 8 }),
  })
  .map(({ world, point, quota, bought, asks }) => {
    const { now: at, timeZone: zone, skus, sites, carriers, lots, pointLoad } = world.state;
    const campaign: Campaign = {
      campaignId: 'early',
      sku: 'a',
      opensAt: now - 1,
      closesAt: now + 1,
      deliverFrom: '2026-12-01',
      deliverBy: '2026-12-05',
      priceFen: null,
      quotas: [{ region: 'east', units: quota, held: 0, sold: 0, waiting: 0 }],
    };
    return {
      state: {
        now: at,
        timeZone: zone,
        skus,
        sites,
        carriers,
        lots,
        pickupPoints: new Map([['p1', point]]),
        pointLoads: new Map([['p1', pointLoad]]),
        campaigns: new Map([['early', campaign]]),
        bought: new Map([[purchaseKey({ buyerRef: 'b1', liveSessionId: null }, 'a'), bought]]),
        waiting: new Map(),
        unpaid: new Map(),
      },
      requests: asks.map(({ lines, presale, pickup, ...purchase }) => ({
        ...world.request,
        lines: presale
          ? lines.map((line) => ({ ...line, supply: 'presale' as const, campaignId: 'early' }))
          : lines,
        destination: {
          ...world.request.destination,
          deliveryMethod: pickup ? ('pickup' as const) : ('express' as const),
          pickupPointId: pickup ? 'p1' : null,
        },
        purchase,
      })),
    };
  });

/** Origins of one zone at up to three sites, some with two routes, with odd prices and little stock. */
export const someOrigins: fc.Arbitrary<Origin[]> = fc
  .array(
    fc.record({
      site: fc.integer({ min: 1, max: 3 }),
      baseFen: fc.integer({ min: 0, max: 30 }),
      perKgFen: fc.integer({ min: 0, max: 10 }),
      km: fc.integer({ min: 0, max: 3 }),
      day: fc.integer({ min: 0, max: 2 }),
      a: fc.integer({ min: 0, max: 4 }),
      b: fc.integer({ min: 0, max: 4 }),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((list) =>
    list.map(({ site, baseFen, perKgFen, km, day, a, b }, index) => ({
      route: {
        siteId: `s${site}`,
        via: { carrierId: `c${index}` },
        rate: { baseFen, perKgFen, perKmFen: 1 },
        km,
        shipBy: now,
        deliverBy: now + day,
        handOverOn: addDays(localDateOf(now, timeZone), day),
      },
      sellable: new Map(
        [
          ['a', a],
          ['b', b],
        ].filter((entry): entry is [string, number] => Number(entry[1]) > 0),
      ),
      earliestExpiry: addDays('2026-12-01', day),
    })),
  );
