import fc from 'fast-check';
import { type Zone, zones } from '../../../src/domain/catalogue/model';
import { maximumParcelGrams, packParcels } from '../../../src/domain/fulfilment/parcel';
import { planSplit, type SplitHold, type SplitRequest } from '../../../src/domain/fulfilment/split';
import type { Carrier, PickupPoint, Site } from '../../../src/domain/network/model';

const now = Date.parse('2026-11-24T10:00:00+08:00');
const day = 86_400_000;
const shanghai = { lat: 31.2, lng: 121.4 };

function site(siteId: string, lat = 31.2): Site {
  return {
    siteId,
    kind: 'central',
    location: { lat, lng: 121.4 },
    zones: [...zones],
    cutoff: '16:00',
    departsAt: [],
    closedOn: [],
    safetyStock: 0,
  };
}

function carrier(
  carrierId: string,
  baseFen: number,
  transitDays: number,
  carried: readonly Zone[] = zones,
): Carrier {
  const rate = { baseFen, perKgFen: 100, perKmFen: 1 };
  const rates = Object.fromEntries(carried.map((zone) => [zone, rate]));
  return { carrierId, zones: [...carried], rates, transitDays };
}

function point(certificate: 'basic' | 'cold'): PickupPoint {
  return {
    pickupPointId: 'point',
    leader: { leaderId: 'leader', certificate },
    location: shanghai,
    capacity: { ambient: 1e6, chilled: 1e6, frozen: 1e6 },
    opens: '08:00',
    closes: '21:00',
    closedOn: [],
  };
}

function hold(given: Partial<SplitHold> = {}): SplitHold {
  return {
    holdId: 'h1',
    siteId: 'a',
    zone: 'ambient',
    quantity: 1,
    weightGrams: 500,
    volumeMillilitres: 1000,
    keepsUntil: '2027-01-01',
    ...given,
  };
}

function request(given: Partial<SplitRequest> = {}): SplitRequest {
  return {
    holds: [hold()],
    sites: [site('a'), site('b', 31.5), site('c', 30)],
    carriers: [carrier('slow', 500, 3), carrier('fast', 1500, 1)],
    deliveryMethod: 'express',
    location: shanghai,
    pickupPoint: null,
    window: null,
    now,
    deliverBy: now + 10 * day,
    timeZone: 'Asia/Shanghai',
    ...given,
  };
}

function planned(given: Partial<SplitRequest>) {
  const plan = planSplit(request(given));
  if (plan.kind !== 'planned') throw new Error(`refused: ${plan.because}`);
  return plan.shipments;
}

describe('choosing the route of a shipment', () => {
  it('takes the cheapest carrier that keeps the promise', () => {
    expect(planned({})[0]?.via).toEqual({ carrierId: 'slow' });
    expect(planned({ deliverBy: now + 2 * day })[0]?.via).toEqual({ carrierId: 'fast' });
  });

  it('takes the earliest arrival when none keeps the promise', () => {
    const [shipment] = planned({ deliverBy: now });
    expect(shipment?.via).toEqual({ carrierId: 'fast' });
    expect(shipment?.deliverBy).toBeGreaterThan(now);
  });

  it('never lets goods arrive with less life than promised, even if that costs more', () => {
    expect(planned({ holds: [hold({ keepsUntil: '2026-11-26' })] })[0]?.via).toEqual({ carrierId: 'fast' });
    const plan = planSplit(request({ holds: [hold({ keepsUntil: '2026-11-24' })] }));
    expect(plan).toEqual({ kind: 'noRoute', zone: 'ambient', siteId: 'a', because: 'tooLittleLife' });
  });

  it('refuses the whole order when one part cannot be carried', () => {
    const carriers = [carrier('dry', 500, 1, ['ambient'])];
    const holds = [hold(), hold({ holdId: 'h2', zone: 'frozen' })];
    expect(planSplit(request({ holds, carriers }))).toEqual({
      kind: 'noRoute',
      zone: 'frozen',
      siteId: 'a',
      because: 'nobodyMayCarryIt',
    });
  });

  it('sends special goods of a pickup order by carrier, on the same day or not at all', () => {
    const pickup = {
      deliveryMethod: 'pickup' as const,
      pickupPoint: point('cold'),
      carriers: [carrier('fast', 1500, 0)],
    };
    const [shipment] = planned({ ...pickup, holds: [hold({ zone: 'special' })] });
    expect(shipment?.via).toEqual({ carrierId: 'fast' });
    const evening = request({ ...pickup, holds: [hold({ zone: 'special' })], now: now + day / 3 });
    expect(planSplit(evening)).toMatchObject({ kind: 'noRoute', because: 'pastCutoff' });
  });
});

const anyHold = fc.record({
  siteId: fc.constantFrom('a', 'b', 'c'),
  zone: fc.constantFrom(...zones),
  quantity: fc.integer({ min: 1, max: 60 }),
  weightGrams: fc.integer({ min: 0, max: 25_000 }),
  volumeMillilitres: fc.integer({ min: 0, max: 30_000 }),
  keepsUntil: fc.constantFrom('2026-11-25', '2026-11-27', '2027-02-01'),
});
const anyHolds = fc
  .array(anyHold, { minLength: 1, maxLength: 12 })
  .map((holds) => holds.map((each, index): SplitHold => ({ ...each, holdId: `h${index}` })));
const anyRequest = fc.record({
  holds: anyHolds,
  deliveryMethod: fc.constantFrom('express' as const, 'pickup' as const),
  pickupPoint: fc.constantFrom(point('basic'), point('cold')),
  deliverBy: fc.integer({ min: now - day, max: now + 6 * day }),
});

describe('every plan', () => {
  it('carries each unit exactly once, one zone and one site a shipment', () => {
    fc.assert(
      fc.property(anyRequest, (given) => {
        const plan = planSplit(request(given));
        if (plan.kind !== 'planned') return;
        const holds = new Map(given.holds.map((each) => [each.holdId, each]));
        const carried = new Map<string, number>();
        for (const shipment of plan.shipments) {
          for (const parcel of shipment.parcels) {
            for (const lot of parcel.lots) {
              const of = holds.get(lot.holdId);
              expect([of?.zone, of?.siteId]).toEqual([shipment.zone, shipment.siteId]);
              carried.set(lot.holdId, (carried.get(lot.holdId) ?? 0) + lot.quantity);
            }
          }
          expect(shipment.weightGrams).toBe(
            shipment.parcels.reduce((sum, parcel) => sum + parcel.weightGrams, 0),
          );
        }
        expect(carried).toEqual(new Map(given.holds.map((each) => [each.holdId, each.quantity])));
        const keys = plan.shipments.map((shipment) => `${shipment.zone} ${shipment.siteId}`);
        expect(new Set(keys).size).toBe(keys.length);
      }),
    );
  });

  it('keeps chilled and frozen goods from a basic leader, and life as promised', () => {
    fc.assert(
      fc.property(anyRequest, (given) => {
        const plan = planSplit(request(given));
        if (plan.kind !== 'planned') return;
        for (const shipment of plan.shipments) {
          const byLeader = 'leaderId' in shipment.via;
          if (byLeader && given.pickupPoint.leader.certificate === 'basic')
            expect(shipment.zone).toBe('ambient');
          if (shipment.zone === 'special') expect(byLeader).toBe(false);
          for (const each of given.holds) {
            if (each.zone !== shipment.zone || each.siteId !== shipment.siteId) continue;
            expect(shipment.handOverOn <= each.keepsUntil).toBe(true);
          }
        }
      }),
    );
  });

  it('is the same for the same holds in any order', () => {
    fc.assert(
      fc.property(anyRequest, (given) => {
        const reversed = { ...given, holds: [...given.holds].reverse() };
        expect(planSplit(request(reversed))).toEqual(planSplit(request(given)));
      }),
    );
  });
});

describe('parcels', () => {
  it('hold at most 20 kg, unless one unit alone is heavier', () => {
    fc.assert(
      fc.property(anyHolds, (holds) => {
        for (const parcel of packParcels(holds)) {
          const units = parcel.lots.reduce((sum, lot) => sum + lot.quantity, 0);
          expect(units).toBeGreaterThan(0);
          expect(parcel.weightGrams <= maximumParcelGrams || units === 1).toBe(true);
        }
      }),
    );
  });

  it('are as few as the weight allows when units are alike', () => {
    const parcels = packParcels([{ holdId: 'h', quantity: 41, weightGrams: 1000 }]);
    expect(parcels.map((parcel) => parcel.weightGrams)).toEqual([20_000, 20_000, 1_000]);
  });
});
